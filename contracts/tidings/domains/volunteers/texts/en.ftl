# The texts of the rules: for each rule a title and one or more messages (projectfluent.org).

## Tasks

task_assigned_to_you =
    .title = Task Assigned
    .message = You have been assigned to task: "{ $task }"
    .action-accept = Accept
    .action-decline = Decline
task_status_changed =
    .title = Task Status Changed
    .message = { $task } is now: { $status }
task_completed =
    .title = Task Completed
    .message = { $task } is done
task_deleted =
    .title = Task Deleted
    .message = { $task } was deleted
    .by = { $actor } deleted { $task }

## Projects

project_status_changed =
    .title = Project Status Changed
    .message = { $project } is now: { $status }
milestone_completed =
    .title = Milestone Completed
    .message = { $project } has reached a milestone: { $milestone }
added_to_team =
    .title = Team Member Added
    .message = You are now on the team of { $project }

## Volunteers' hours

hours_approved =
    .title = Time Log Approved
    .message = { $hours ->
        [one] Your { $hours } hour was approved
       *[other] Your { $hours } hours were approved
    }
    .reasoned = { $hours ->
        [one] Your { $hours } hour was approved: { $reason }
       *[other] Your { $hours } hours were approved: { $reason }
    }
hours_rejected =
    .title = Time Log Rejected
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
    .title = Conflict Detected
    .message = Your changes to { $type } { $id } conflict with another version
sync_conflict_resolved =
    .title = Conflict Resolved
    .message = The conflict in { $type } { $id } is settled
