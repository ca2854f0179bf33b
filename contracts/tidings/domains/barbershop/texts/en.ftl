# The texts of the rules: for each rule a title and one or more messages (projectfluent.org).

## Appointments

appointment_booked =
    .title = New appointment
    .message = New appointment booked with { $client }
    .own = { $message }
appointment_cancelled =
    .title = Appointment cancelled
    .message = { $client } cancelled { $service }: { $time }
    .own = { $message }
appointment_reminder =
    .title = Appointment reminder
    .message = { $client } comes for { $service }: { $time }
    .own = { $message }
appointment_no_show =
    .title = Client did not come
    .message = { $client } did not come for { $service }: { $time }
    .own = { $message }

## Performance

performance_threshold_exceeded =
    .title = { $position ->
        [below] Below threshold
        [equal] Threshold reached
        [unknown] Threshold crossed
       *[other] Threshold exceeded
    }
    .message = Your { $metric } is { $value }{ $position ->
        [below] , below the threshold of { $threshold }
        [above] , above the threshold of { $threshold }
        [equal] , at the threshold of { $threshold }
       *[other] { "" }
    } ({ $trend })
    .plain = Your { $metric } is { $value }{ $position ->
        [below] , below the threshold of { $threshold }
        [above] , above the threshold of { $threshold }
        [equal] , at the threshold of { $threshold }
       *[other] { "" }
    }
performance_goal_achieved =
    .title = Goal achieved
    .message = You reached your goal: { $metric } is { $value } ({ $trend })
    .plain = You reached your goal: { $metric } is { $value }
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
    .stated = Your certification { $title } expires: { $expires }

## Achievements

achievement_revenue_milestone =
    .title = Revenue milestone
    .message = You reached a milestone: { $title }
    .valued = You reached a milestone: { $title } ({ $value })
achievement_performance =
    .title = Achievement
    .message = Well done: { $title }
    .valued = Well done: { $title } ({ $value })
