# Die Texte der E-Mails neben den Benachrichtigungen; die Namen sind dieselben wie in en.ftl.

open = Öffnen
summary = { $total ->
    [one] 1 neue Benachrichtigung
   *[other] { $total } neue Benachrichtigungen
}
more = { $more ->
    [one] und 1 weitere
   *[other] und { $more } weitere
}
because = Du erhältst diese E-Mail von { $product } wegen deiner Einstellungen.
required = E-Mails dieser Art lassen sich nicht abschalten.
unsubscribe = E-Mails dieser Art abschalten
confirm = Adresse bestätigen
confirm-title = Adresse bestätigen
confirm-text = Diese Adresse wurde bei { $product } angegeben, um Benachrichtigungen zu empfangen. Sie kommen hierher, sobald Sie bestätigen, dass es Ihre ist.
because-confirm = Wenn Sie sie bei { $product } nicht angegeben haben, brauchen Sie nichts zu tun.
test-title = Push-Nachrichten kommen an
test-message = Dieses Gerät empfängt Benachrichtigungen.
mail-test-title = E-Mails kommen an
mail-test-message = Benachrichtigungen erreichen dich hier.
webhook-test-title = Webhooks funktionieren
webhook-test-message = Diese Adresse empfängt Benachrichtigungen.
push-title = Neue Benachrichtigung
