# Die Texte der Regeln; die Namen sind dieselben wie in en.ftl.

## Vorfälle

incident_created =
    .title = Neuer Vorfall
    .message = Vorfall { $number } wurde gemeldet
incident_assigned =
    .title = Vorfall zugewiesen
    .message = Vorfall { $number } wurde zugewiesen
incident_status_changed =
    .title = Vorfall geändert
    .message = Vorfall { $number } wurde geändert
incident_escalated =
    .title = Vorfall eskaliert
    .message = Vorfall { $number } wurde eskaliert
incident_resolved =
    .title = Vorfall gelöst
    .message = Vorfall { $number } wurde gelöst
incident_closed =
    .title = Vorfall geschlossen
    .message = Vorfall { $number } wurde geschlossen
