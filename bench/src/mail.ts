/** What both senders of the `email` bench render. */
export const subject = 'Your code, {{ customer.first_name }}'
export const html = `<html><body><h1>Hello {{ customer.first_name }}</h1>
<p>Your code is <b>{{ trigger.code }}</b>. It was asked for by {{ customer.email }}.</p>
${'<p>Some more text, so that the mail has the size of an ordinary one. It is the same in every mail.</p>\n'.repeat(10)}
</body></html>`
