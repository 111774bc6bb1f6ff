import type { Client } from './client.ts'

const layout = (
  body: string,
) => `<!doctype html><html><body style="font-family:sans-serif;color:#223;max-width:34rem;margin:auto">
${body}
<p style="color:#778;font-size:12px">You get this mail because you shop with us. <a href="{{ url.unsubscribe_link }}">Unsubscribe</a></p>
</body></html>`

/** In test mode, as every new project: mail of the demo goes no further than the mailbox. A shop thanks for every purchase and reminds of carts that were left. */
export async function setUpShop(shop: Client): Promise<void> {
  const thanks = await shop.rest<{ id: number }>('POST', '/templates', {
    name: 'Thank you',
    fromAddress: 'Nordlicht Coffee <hello@nordlicht.example>',
    subject: 'Thank you, {{ user.first_name | fallback: "friend" }}: {{ event.item }} is on its way',
    html: layout(
      '<h1>Thank you!</h1><p>{{ event.item }} for €{{ event.price | precision: 2 }} leaves our roastery today.</p>',
    ),
  })
  const cart = await shop.rest<{ id: number }>('POST', '/templates', {
    name: 'Forgotten cart',
    fromAddress: 'Nordlicht Coffee <hello@nordlicht.example>',
    subject: 'Still thinking about {{ event.item }}?',
    html: layout(
      '<h1>Your cart is waiting</h1><p>{{ event.item }} is still there for you, {{ user.first_name }}.</p>',
    ),
  })
  const campaigns = [
    { name: 'Thank you', triggerEvent: 'Purchased item', templateId: thanks.id },
    {
      name: 'Forgotten cart',
      triggerEvent: 'Added to cart',
      templateId: cart.id,
      wait: { kind: 'after', seconds: 5 },
      conditions: { event: 'Purchased item', did: false, within: 'since_trigger' },
      frequency: { notAgainWithinDays: 1 },
    },
  ]
  for (const campaign of campaigns) {
    const { id } = await shop.rest<{ id: number }>('POST', '/campaigns', campaign)
    await shop.rest('PATCH', `/campaigns/${id}`, { state: 'live' })
  }
}

/** A software company that sends password resets: one at a time, and each is waited for by somebody. */
export async function setUpSoftware(software: Client): Promise<void> {
  await software.rest('POST', '/templates', {
    name: 'Password reset',
    key: 'password-reset',
    fromAddress: 'Pixelforge <no-reply@pixelforge.example>',
    subject: 'Reset your password',
    html: '<p>Hello {{ customer.first_name }}, your code is <b>{{ trigger.code }}</b>. It is valid for ten minutes.</p>',
  })
}
