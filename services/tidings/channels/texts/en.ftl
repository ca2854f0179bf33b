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
