# The texts of the rules: for each rule a title and one or more messages (projectfluent.org).

## Reading

read_receipt =
    .title = Read
    .message = { $reader } has read: { $title }
