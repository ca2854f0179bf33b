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
