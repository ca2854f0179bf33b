# The texts of the rules: for each rule a title and one or more messages (projectfluent.org).

## Addresses that fail

address_fails =
    .title = An address cannot be reached
    .message = Messages to one of your addresses come back. Confirm the address, or give another one.
    .action-confirm = Send a message to confirm it
incident_unattended =
    .title = Incident Unattended
    .message = { $responder } has not read of the incident
