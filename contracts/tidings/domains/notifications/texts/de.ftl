# Die Texte der Regeln; die Namen sind dieselben wie in en.ftl.

## Lesen

read_receipt =
    .title = Gelesen
    .message = { $reader } hat gelesen: { $title }
confirmation_wanted =
    .title = Adresse bestätigen
    .message = Eine Nachricht ging an Ihre Adresse. Öffnen Sie den Link darin, um dort wieder erreicht zu werden.
