import { Card, Group, Text, ThemeIcon, Title } from '@mantine/core'
import { IconCheck } from '@tabler/icons-react'
import { useId } from 'react'
import classes from './first-steps.module.css'

interface StepProps {
  number: number
  title: string
  description?: React.ReactNode
  done?: boolean
  children: React.ReactNode
}

export function Step({ number, title, description, done = false, children }: StepProps) {
  const id = useId()
  return (
    <Card component="section" aria-labelledby={id} className={classes.step} data-done={done || undefined}>
      <Group gap="md" wrap="nowrap" align="flex-start" mb="md">
        <ThemeIcon radius="xl" size={34} variant={done ? 'filled' : 'light'}>
          {done ? <IconCheck size={18} aria-label="Done" /> : <Text fw={700}>{number}</Text>}
        </ThemeIcon>
        <div>
          <Title order={2} id={id} mt={4}>
            {title}
          </Title>
          {description && (
            <Text size="sm" c="dimmed" mt={2}>
              {description}
            </Text>
          )}
        </div>
      </Group>
      <div className={classes.body}>{children}</div>
    </Card>
  )
}
