import { Group } from '@mantine/core'
import { IconId } from '@tabler/icons-react'
import { typesIn, typesOf, useCatalogProperties, useCatalogValues } from '../../api/catalog.ts'
import { formatValue } from '../../lib/format.ts'
import { useBuilder } from '../builder-context.ts'
import { missingInTest, unnamed } from '../completeness.ts'
import type { PersonLeaf } from '../language.ts'
import { NameInput } from '../name-input.tsx'
import { testWords } from '../phrases.ts'
import { TestFields } from '../test-fields.tsx'
import type { EditorProps, Kind } from './kind.ts'

export const person: Kind<PersonLeaf> = {
  title: 'Property of the person',
  label: 'Property',
  icon: IconId,
  start: { person: '', operator: 'equals', value: '', ignoreCase: true },
  Editor,
  words: (leaf) => `whose ${testWords(leaf.person, leaf)}`,
  missing: (leaf) => unnamed(leaf.person, 'a property') ?? missingInTest(leaf),
}

const builtIn = ['id', 'email', 'phone', 'timezone', 'language', 'created_at']
const builtInTypes = { created_at: 'date' }

function Editor({ leaf, onChange }: EditorProps<PersonLeaf>) {
  const { project } = useBuilder()
  const properties = useCatalogProperties(project).data ?? []
  const known = properties.some(({ name }) => name === leaf.person)
  const values = useCatalogValues(project, known ? leaf.person : '').data ?? []
  return (
    <Group gap="xs">
      <NameInput
        label="Property"
        names={[...builtIn, ...properties.map(({ name }) => name)]}
        notes={{ ...builtInTypes, ...typesOf(properties) }}
        value={leaf.person}
        onChange={(person) => onChange({ ...leaf, person })}
      />
      <TestFields
        test={leaf}
        types={typesIn(properties, leaf.person)}
        suggestions={values.map(({ value }) => formatValue(value))}
        onChange={(test) => onChange({ person: leaf.person, ...test })}
      />
    </Group>
  )
}
