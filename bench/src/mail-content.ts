/** The mail that the email bench sends: a receipt of common length, as Liquid. */
export const subject = 'Your order {{ trigger.order }}, {{ user.first_name }}'

const line = (n: number) => `<tr><td style="padding:8px">{{ trigger.items[${n}].name }}</td>
<td style="padding:8px" align="right">{{ trigger.items[${n}].price }} EUR</td></tr>`

export const html = `<!doctype html><html><head><style>body{font-family:sans-serif} a{color:#1c5fb8}</style></head>
<body><table width="600" align="center"><tr><td>
<h1>Thank you, {{ user.first_name }}!</h1>
<p>We have received your order <strong>{{ trigger.order }}</strong> and will tell you as soon as it is on its way.</p>
<table width="100%">${[0, 1, 2].map(line).join('\n')}</table>
{% if user.plan == 'pro' %}<p>As a member you pay no delivery.</p>{% else %}<p>Delivery is 4.90 EUR.</p>{% endif %}
<p>Questions? <a href="https://shop.example/help?order={{ trigger.order }}">We are here to help</a>.</p>
<p style="font-size:12px">Shop Ltd, 1 High Street, Anytown</p>
</td></tr></table></body></html>`

export const text = `Thank you, {{ user.first_name }}!

We have received your order {{ trigger.order }} and will tell you as soon as it is on its way.

{% for item in trigger.items %}{{ item.name }} {{ item.price }} EUR
{% endfor %}
{% if user.plan == 'pro' %}As a member you pay no delivery.{% else %}Delivery is 4.90 EUR.{% endif %}

Questions? We are here to help [https://shop.example/help?order={{ trigger.order }}].

Shop Ltd, 1 High Street, Anytown`

export const person = (n: number) => ({
  first_name: `Ann ${n}`,
  plan: n % 2 ? 'pro' : 'free',
  city: 'Aarhus',
})

export const data = (n: number) => ({
  order: `A-${n}`,
  items: ['Rye bread', 'Butter', 'Coffee'].map((name, i) => ({ name, price: 3 + i })),
})
