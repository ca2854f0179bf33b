# Die Texte der Regeln; die Namen sind dieselben wie in en.ftl.

## Termine

appointment_booked =
    .title = Neuer Termin
    .message = Neuer Termin mit { $client }
    .own = { $message }
appointment_cancelled =
    .title = Termin abgesagt
    .message = { $client } hat { $service } abgesagt: { $time }
    .own = { $message }
appointment_reminder =
    .title = Terminerinnerung
    .message = { $client } kommt für { $service }: { $time }
    .own = { $message }
appointment_no_show =
    .title = Nicht erschienen
    .message = { $client } ist für { $service } nicht erschienen: { $time }
    .own = { $message }

## Leistung

performance_threshold_exceeded =
    .title = { $position ->
        [below] Schwelle unterschritten
        [equal] Schwelle erreicht
        [unknown] Schwelle überschritten oder unterschritten
       *[other] Schwelle überschritten
    }
    .message = { $metric } liegt bei { $value }{ $position ->
        [below] , unter der Schwelle von { $threshold }
        [above] , über der Schwelle von { $threshold }
        [equal] , genau auf der Schwelle von { $threshold }
       *[other] { "" }
    } ({ $trend ->
        [increasing] steigend
        [decreasing] fallend
        [stable] gleichbleibend
       *[other] { $trend }
    })
    .plain = { $metric } liegt bei { $value }{ $position ->
        [below] , unter der Schwelle von { $threshold }
        [above] , über der Schwelle von { $threshold }
        [equal] , genau auf der Schwelle von { $threshold }
       *[other] { "" }
    }
performance_goal_achieved =
    .title = Ziel erreicht
    .message = Du hast dein Ziel erreicht: { $metric } liegt bei { $value } ({ $trend ->
        [increasing] steigend
        [decreasing] fallend
        [stable] gleichbleibend
       *[other] { $trend }
    })
    .plain = Du hast dein Ziel erreicht: { $metric } liegt bei { $value }
performance_trend_changed =
    .title = Trend geändert
    .message = Der Trend von { $metric } ist jetzt: { $trend ->
        [increasing] steigend
        [decreasing] fallend
        [stable] gleichbleibend
       *[other] { $trend }
    } ({ $value })
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
    .stated = Dein Zertifikat { $title } läuft ab: { $expires }

## Erfolge

achievement_revenue_milestone =
    .title = Umsatzmarke erreicht
    .message = Du hast eine Marke erreicht: { $title }
    .valued = Du hast eine Marke erreicht: { $title } ({ $value })
achievement_performance =
    .title = Erfolg
    .message = Gut gemacht: { $title }
    .valued = Gut gemacht: { $title } ({ $value })
