# What every rule says: one message a rule, with a title and a message, in some cases several of these (https://projectfluent.org).

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

## Work orders

work_order_status =
    .title = Work order updated
    .message = Work order { $id } status updated to: { $status }
work_order_issue =
    .title = Issue reported
    .message = Issue reported for work order { $id }: { $issues }
work_order_office_alert =
    .title = Office alert
    .message = Office alert requested for work order { $id }
work_order_deleted =
    .title = Work order deleted
    .message = Work order { $id } was deleted
    .by = { $actor } deleted work order { $id }
technician_notified =
    .title = Message from the office
    .message = { $message }

## Equipment and stock

equipment_alert =
    .title = Equipment alert: { $name }
    .message = { $message }
inventory_alert =
    .title = Low stock: { $name }
    .message = { $quantity ->
        [0] Nothing is left of { $name } (there should be { $threshold })
        [one] Only { $quantity } is left of { $name } (there should be { $threshold })
       *[other] Only { $quantity } are left of { $name } (there should be { $threshold })
    }

## Appointments

appointment_booked =
    .title = New appointment
    .message = New appointment booked with { $client }
    .own = { $message }
appointment_cancelled =
    .title = Appointment cancelled
    .message = { $client } cancelled { $service } at { $time }
    .own = { $message }
appointment_reminder =
    .title = Appointment reminder
    .message = { $client } comes for { $service } at { $time }
    .own = { $message }
appointment_no_show =
    .title = Client did not come
    .message = { $client } did not come for { $service } at { $time }
    .own = { $message }

## Performance

performance_threshold_exceeded =
    .title = Threshold exceeded
    .message = Your { $metric } is { $value }, beyond the threshold of { $threshold }
    .plain = Your { $metric } is { $value }, beyond its threshold
performance_goal_achieved =
    .title = Goal achieved
    .message = You reached your goal: { $metric } is { $value }
performance_trend_changed =
    .title = Trend changed
    .message = The trend of your { $metric } is now: { $trend } ({ $value })
    .plain = The trend of your { $metric } changed; it is { $value } now

## Locations

team_announcement =
    .title = Team announcement
    .message = { $message }
team_schedule_changed =
    .title = Schedule changed
    .message = { $message }
team_policy_updated =
    .title = Policy updated
    .message = { $message }

## Training

training_course_completed =
    .title = Course completed
    .message = You have completed { $title }
training_module_available =
    .title = New training module
    .message = { $title } is available
training_certification_expiring =
    .title = Certification expires soon
    .message = Your certification { $title } expires soon
    .dated = Your certification { $title } expires on { $expires }

## Achievements

achievement_revenue_milestone =
    .title = Revenue milestone
    .message = You reached a milestone: { $title }
    .valued = You reached a milestone: { $title } ({ $value })
achievement_performance =
    .title = Achievement
    .message = Well done: { $title }
    .valued = Well done: { $title } ({ $value })

## Rooms

message_posted =
    .title = { $count ->
        [one] New message from { $name }
       *[other] { $count } new messages
    }
    .message = { $name }: { $words }

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

## Reading

read_receipt =
    .title = Read
    .message = { $reader } has read: { $title }
