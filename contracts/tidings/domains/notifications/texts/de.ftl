# Die Texte der Regeln; die Namen sind dieselben wie in en.ftl.

## Lesen

read_receipt =
    .title = Gelesen
    .message = { $reader } hat gelesen: { $title }
