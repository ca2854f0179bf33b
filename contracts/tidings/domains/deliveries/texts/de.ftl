# Die Texte der Regeln; die Namen sind dieselben wie in en.ftl.

## Adressen, die versagen

address_fails =
    .title = Eine Adresse ist nicht erreichbar
    .message = Nachrichten an eine Ihrer Adressen kommen zurück. Bestätigen Sie die Adresse, oder geben Sie eine andere an.
    .action-confirm = Nachricht zum Bestätigen schicken
incident_unattended =
    .title = Vorfall unbeachtet
    .message = { $responder } hat vom Vorfall noch nichts gelesen
