# The texts of the rules: for each rule a title and one or more messages (projectfluent.org).

## Addresses

address_given =
    .title = Confirm your address
    .message = A message was sent to { $address }. Open the link in it to be reached there.
