# The texts of the rules: for each rule a title and one or more messages (projectfluent.org).

## Incidents

incident_created =
    .title = New Incident Created
    .message = Incident { $number } has been created
incident_assigned =
    .title = Incident Assigned
    .message = Incident { $number } has been assigned
incident_status_changed =
    .title = Incident Updated
    .message = Incident { $number } has been updated
incident_escalated =
    .title = Incident Escalated
    .message = Incident { $number } has been escalated
incident_resolved =
    .title = Incident Resolved
    .message = Incident { $number } has been resolved
incident_closed =
    .title = Incident Closed
    .message = Incident { $number } has been closed
