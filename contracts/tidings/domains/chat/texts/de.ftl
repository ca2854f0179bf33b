# Die Texte der Regeln; die Namen sind dieselben wie in en.ftl.

## Räume

message_posted =
    .title = { $count ->
        [one] Neue Nachricht von { $name }
       *[other] { $count } neue Nachrichten
    }
    .message = { $name }: { $text }
