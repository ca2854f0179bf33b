# The texts of the rules: for each rule a title and one or more messages (projectfluent.org).

## Incidents

incident_created =
    .title = Incident { $number }
    .message = { $title }
incident_assigned =
    .title = Incident { $number } assigned
    .message = You have been assigned to incident { $number }
incident_status_changed =
    .title = Incident { $number } updated
    .message = Incident { $number } is now: { $status }
incident_resolved =
    .title = Incident { $number } resolved
    .message = Incident { $number } is resolved
