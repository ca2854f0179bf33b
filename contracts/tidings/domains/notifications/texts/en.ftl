# The texts of the rules: for each rule a title and one or more messages (projectfluent.org).

## Reading

read_receipt =
    .title = Read
    .message = { $reader } has read: { $title }
confirmation_wanted =
    .title = Confirm your address
    .message = A message was sent to your address. Open the link in it to be reached there again.
