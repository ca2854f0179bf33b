# The texts of the rules: for each rule a title and one or more messages (projectfluent.org).

## Tasks

task_assigned_to_you =
    .title = Task assigned
    .message = You have been assigned to task: { $task }
    .action-accept = Accept
    .action-decline = Decline
task_status_changed =
    .title = Task status changed
    .message = { $task } is now: { $status }
task_completed =
    .title = Task completed
    .message = { $task } is done
task_deleted =
    .title = Task deleted
    .message = { $task } was deleted
    .by = { $actor } deleted { $task }

## Projects

project_status_changed =
    .title = Project status changed
    .message = { $project } is now: { $status }
milestone_completed =
    .title = Milestone completed
    .message = { $project } has reached a milestone: { $milestone }
added_to_team =
    .title = Added to a team
    .message = You are now on the team of { $project }

## Volunteers' hours

hours_approved =
    .title = Hours approved
    .message = { $hours ->
        [one] Your { $hours } hour was approved
       *[other] Your { $hours } hours were approved
    }
    .reasoned = { $hours ->
        [one] Your { $hours } hour was approved: { $reason }
       *[other] Your { $hours } hours were approved: { $reason }
    }
hours_rejected =
    .title = Hours rejected
    .message = { $hours ->
        [one] Your { $hours } hour was rejected
       *[other] Your { $hours } hours were rejected
    }
    .reasoned = { $hours ->
        [one] Your { $hours } hour was rejected: { $reason }
       *[other] Your { $hours } hours were rejected: { $reason }
    }

## Synchronisation

sync_conflict_detected =
    .title = Sync conflict
    .message = Your changes to { $type } { $id } conflict with another version
sync_conflict_resolved =
    .title = Sync conflict resolved
    .message = The conflict in { $type } { $id } is settled
