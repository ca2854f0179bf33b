# The texts of the rules: for each rule a title and one or more messages (projectfluent.org).

## Rooms

message_posted =
    .title = { $count ->
        [one] New message from { $name }
       *[other] { $count } new messages
    }
    .message = { $name }: { $text }
