import { ActionIcon, Anchor, Button, NavLink } from '@mantine/core'
import { createLink, Link } from '@tanstack/react-router'
import classes from './links.module.css'

/** Mantine's looks on the router's typed links. */
export const AnchorLink = createLink(Anchor<'a'>)
export const ButtonLink = createLink(Button<'a'>)
export const ActionIconLink = createLink(ActionIcon<'a'>)
export const NavigationLink = createLink(NavLink<'a'>)

const BareLink = createLink((props: React.ComponentProps<'a'>) => <a {...props} className={classes.row} />)

/** The link of a table row: it covers the whole row, so that a click anywhere on it follows the link. */
export const RowLink = BareLink
export { Link }
