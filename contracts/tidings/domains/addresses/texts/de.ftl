# Die Texte der Regeln; die Namen sind dieselben wie in en.ftl.

## Adressen

address_given =
    .title = Adresse bestätigen
    .message = Eine Nachricht ging an { $address }. Öffnen Sie den Link darin, um dort erreicht zu werden.
