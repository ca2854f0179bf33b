# Die Texte der Seiten, die Links in E-Mails öffnen.

unsubscribe-title = { $category } abbestellen?
unsubscribe-text = { $product } schickt Ihnen Benachrichtigungen dieser Art nicht mehr per E-Mail. In der Liste der Benachrichtigungen finden Sie sie weiterhin.
unsubscribe-button = Abbestellen
unsubscribed-title = { $category } ist abbestellt
unsubscribed-text = { $product } schickt Ihnen Benachrichtigungen dieser Art nicht mehr per E-Mail.
undo-button = Wieder bestellen
restored-title = { $category } ist bestellt
restored-text = { $product } schickt Ihnen Benachrichtigungen dieser Art wie zuvor per E-Mail.
required-title = { $category } lässt sich nicht abbestellen
required-text = Ihre Organisation schreibt Benachrichtigungen dieser Art vor.
all-choices = Alle Einstellungen
confirm-title = Ist das Ihre Adresse?
confirm-text = { $product } schickt Benachrichtigungen an { $address }, sobald Sie das bestätigen. Wenn Sie das nicht angefordert haben, schließen Sie diese Seite.
confirm-button = Adresse bestätigen
confirmed-title = Adresse bestätigt
confirmed-text = { $product } schickt ab jetzt Benachrichtigungen an { $address }.
invalid-title = Dieser Link gilt nicht
invalid-text = Vielleicht ist er unvollständig, zu alt oder wird nicht mehr gebraucht.
