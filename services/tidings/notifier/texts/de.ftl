# Was jede Regel sagt; die Namen sind die von en.ftl.

## Aufgaben

task_assigned_to_you =
    .title = Aufgabe zugewiesen
    .message = Dir wurde eine Aufgabe zugewiesen: { $task }
    .action-accept = Annehmen
    .action-decline = Ablehnen
task_status_changed =
    .title = Aufgabe hat einen neuen Status
    .message = { $task } ist jetzt: { $status }
task_completed =
    .title = Aufgabe erledigt
    .message = { $task } ist erledigt
task_deleted =
    .title = Aufgabe gelöscht
    .message = { $task } wurde gelöscht
    .by = { $actor } hat { $task } gelöscht

## Projekte

project_status_changed =
    .title = Projekt hat einen neuen Status
    .message = { $project } ist jetzt: { $status }
milestone_completed =
    .title = Meilenstein erreicht
    .message = { $project } hat einen Meilenstein erreicht: { $milestone }
added_to_team =
    .title = Neu im Team
    .message = Du bist jetzt im Team von { $project }

## Stunden der Freiwilligen

hours_approved =
    .title = Stunden genehmigt
    .message = { $hours ->
        [one] Deine { $hours } Stunde wurde genehmigt
       *[other] Deine { $hours } Stunden wurden genehmigt
    }
    .reasoned = { $hours ->
        [one] Deine { $hours } Stunde wurde genehmigt: { $reason }
       *[other] Deine { $hours } Stunden wurden genehmigt: { $reason }
    }
hours_rejected =
    .title = Stunden abgelehnt
    .message = { $hours ->
        [one] Deine { $hours } Stunde wurde abgelehnt
       *[other] Deine { $hours } Stunden wurden abgelehnt
    }
    .reasoned = { $hours ->
        [one] Deine { $hours } Stunde wurde abgelehnt: { $reason }
       *[other] Deine { $hours } Stunden wurden abgelehnt: { $reason }
    }

## Abgleich

sync_conflict_detected =
    .title = Konflikt beim Abgleich
    .message = Deine Änderungen an { $type } { $id } widersprechen einer anderen Fassung
sync_conflict_resolved =
    .title = Konflikt beim Abgleich behoben
    .message = Der Konflikt in { $type } { $id } ist behoben

## Aufträge

work_order_status =
    .title = Auftrag geändert
    .message = Auftrag { $id } hat jetzt den Status: { $status }
work_order_issue =
    .title = Problem gemeldet
    .message = Problem bei Auftrag { $id } gemeldet: { $issues }
work_order_office_alert =
    .title = Büro wird gebraucht
    .message = Bei Auftrag { $id } wird das Büro gebraucht
work_order_deleted =
    .title = Auftrag gelöscht
    .message = Auftrag { $id } wurde gelöscht
    .by = { $actor } hat Auftrag { $id } gelöscht
technician_notified =
    .title = Nachricht vom Büro
    .message = { $message }

## Geräte und Lager

equipment_alert =
    .title = Gerätemeldung: { $name }
    .message = { $message }
inventory_alert =
    .title = Lagerbestand niedrig: { $name }
    .message = { $quantity ->
        [0] Von { $name } ist nichts mehr da (Soll: { $threshold })
        [one] Von { $name } ist nur noch { $quantity } da (Soll: { $threshold })
       *[other] Von { $name } sind nur noch { $quantity } da (Soll: { $threshold })
    }

## Termine

appointment_booked =
    .title = Neuer Termin
    .message = Neuer Termin mit { $client }
    .own = { $message }
appointment_cancelled =
    .title = Termin abgesagt
    .message = { $client } hat { $service } um { $time } abgesagt
    .own = { $message }
appointment_reminder =
    .title = Terminerinnerung
    .message = { $client } kommt um { $time }: { $service }
    .own = { $message }
appointment_no_show =
    .title = Nicht erschienen
    .message = { $client } ist um { $time } nicht erschienen: { $service }
    .own = { $message }

## Leistung

performance_threshold_exceeded =
    .title = Schwelle überschritten
    .message = { $metric } liegt bei { $value }, über der Schwelle von { $threshold }
    .plain = { $metric } liegt bei { $value }, über der Schwelle
performance_goal_achieved =
    .title = Ziel erreicht
    .message = Du hast dein Ziel erreicht: { $metric } liegt bei { $value }
performance_trend_changed =
    .title = Trend geändert
    .message = Der Trend von { $metric } ist jetzt: { $trend } ({ $value })
    .plain = Der Trend von { $metric } hat sich geändert, der Wert ist jetzt { $value }

## Standorte

team_announcement =
    .title = Mitteilung an das Team
    .message = { $message }
team_schedule_changed =
    .title = Dienstplan geändert
    .message = { $message }
team_policy_updated =
    .title = Neue Richtlinie
    .message = { $message }

## Schulung

training_course_completed =
    .title = Kurs abgeschlossen
    .message = Du hast { $title } abgeschlossen
training_module_available =
    .title = Neue Schulung
    .message = { $title } ist verfügbar
training_certification_expiring =
    .title = Zertifikat läuft ab
    .message = Dein Zertifikat { $title } läuft bald ab
    .dated = Dein Zertifikat { $title } läuft am { $expires } ab

## Erfolge

achievement_revenue_milestone =
    .title = Umsatzmarke erreicht
    .message = Du hast eine Marke erreicht: { $title }
    .valued = Du hast eine Marke erreicht: { $title } ({ $value })
achievement_performance =
    .title = Erfolg
    .message = Gut gemacht: { $title }
    .valued = Gut gemacht: { $title } ({ $value })

## Räume

message_posted =
    .title = { $count ->
        [one] Neue Nachricht von { $name }
       *[other] { $count } neue Nachrichten
    }
    .message = { $name }: { $words }

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

## Lesen

read_receipt =
    .title = Gelesen
    .message = { $reader } hat gelesen: { $title }
