# Die Texte der Regeln; die Namen sind dieselben wie in en.ftl.

## Aufgaben

task_assigned_to_you =
    .title = Aufgabe zugewiesen
    .message = Dir wurde eine Aufgabe zugewiesen: „{ $task }“
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
