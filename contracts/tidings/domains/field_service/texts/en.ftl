# The texts of the rules: for each rule a title and one or more messages (projectfluent.org).

## Work orders

work_order_assigned_to_you =
    .title = Work order assigned
    .message = Work order { $id } assigned to you
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
