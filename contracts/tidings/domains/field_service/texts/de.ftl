# Die Texte der Regeln; die Namen sind dieselben wie in en.ftl.

## Aufträge

work_order_assigned_to_you =
    .title = Auftrag zugewiesen
    .message = Auftrag { $id } ist dir zugewiesen
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
