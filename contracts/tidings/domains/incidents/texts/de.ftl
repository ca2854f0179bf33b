# Die Texte der Regeln; die Namen sind dieselben wie in en.ftl.

## Vorfälle

incident_created =
    .title = Vorfall { $number }
    .message = { $title }
incident_assigned =
    .title = Vorfall { $number } zugewiesen
    .message = Dir wurde Vorfall { $number } zugewiesen
incident_status_changed =
    .title = Vorfall { $number } geändert
    .message = Vorfall { $number } ist jetzt: { $status }
incident_resolved =
    .title = Vorfall { $number } gelöst
    .message = Vorfall { $number } ist gelöst
