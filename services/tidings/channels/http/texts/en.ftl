# The texts of the pages that links in mails open.

unsubscribe-title = Turn off { $category }?
unsubscribe-text = { $product } will not mail you notifications of this kind any more. You still find them in the list of notifications.
unsubscribe-button = Turn off
unsubscribed-title = { $category } is turned off
unsubscribed-text = { $product } does not mail you notifications of this kind any more.
undo-button = Turn on again
restored-title = { $category } is on
restored-text = { $product } mails you notifications of this kind as before.
required-title = { $category } cannot be turned off
required-text = Your organisation requires notifications of this kind.
all-choices = All settings
confirm-title = Is this your address?
confirm-text = { $product } will send notifications to { $address } once you confirm it. If you did not ask for that, close this page.
confirm-button = Confirm address
confirmed-title = Address confirmed
confirmed-text = { $product } sends notifications to { $address } from now on.
invalid-title = This link is not valid
invalid-text = It may be cut, too old, or no longer needed.
