import type { TemplateInput } from '../../api/templates.ts'

/** A new template starts with something that can be sent, and that shows how Liquid looks. */
export const starterTemplate: TemplateInput = {
  name: '',
  key: null,
  fromAddress: null,
  replyTo: null,
  subject: 'Welcome, {{ user.first_name | fallback: "friend" }}',
  preheader: null,
  html: `<div style="font-family: sans-serif; max-width: 560px; margin: 0 auto; padding: 24px; color: #1e2623">
  <h1 style="font-size: 22px">Good to have you here</h1>
  <p>Hello {{ user.first_name | fallback: "there" }},</p>
  <p>your account is ready. Reply to this mail whenever something is unclear.</p>
  <p style="color: #5d6b65; font-size: 13px">
    <a href="{{ url.unsubscribe_link }}" style="color: #5d6b65">Unsubscribe</a>
  </p>
</div>
`,
  text: null,
}
