# The texts of mails beside the notifications.

open = Open
summary = { $total ->
    [one] 1 new notification
   *[other] { $total } new notifications
}
more = { $more ->
    [one] and 1 more
   *[other] and { $more } more
}
because = You receive this mail from { $product } because of your settings.
required = You cannot turn off mails of this kind.
unsubscribe = Turn off mails of this kind
confirm = Confirm address
confirm-title = Confirm your address
confirm-text = This address was given to { $product } to receive notifications. They are sent here once you confirm that it is yours.
because-confirm = If you did not give it to { $product }, you need not do anything.
test-title = Pushes work
test-message = This device receives notifications.
mail-test-title = Mails work
mail-test-message = Notifications reach you here.
webhook-test-title = Webhooks work
webhook-test-message = This address receives notifications.
push-title = New notification
