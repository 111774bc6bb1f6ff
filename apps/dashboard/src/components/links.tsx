import { ActionIcon, Anchor, Button, NavLink } from '@mantine/core'
import { createLink, Link } from '@tanstack/react-router'
import classes from './links.module.css'

/** Mantine's looks on the router's typed links. Buttons are made anchors: only those open in a new tab, and say that they lead. */
export const AnchorLink = createLink(Anchor<'a'>)
export const ButtonLink = createLink((props: React.ComponentProps<typeof Button<'a'>>) => (
  <Button component="a" {...props} />
))
export const ActionIconLink = createLink((props: React.ComponentProps<typeof ActionIcon<'a'>>) => (
  <ActionIcon component="a" {...props} />
))
export const NavigationLink = createLink(NavLink<'a'>)

const BareLink = createLink((props: React.ComponentProps<'a'>) => <a {...props} className={classes.row} />)

/** The link of a table row: it covers the whole row, so that a click anywhere on it follows the link. */
export const RowLink = BareLink
export { Link }
