import { TagsInput } from '@mantine/core'

interface ListFieldProps {
  values: string[]
  suggestions: string[]
  onChange: (values: string[]) => void
}

/** Several values of a condition. Loaded when one asks for them. */
const ListField = ({ values, suggestions, onChange }: ListFieldProps) => (
  <TagsInput
    aria-label="Value"
    size="xs"
    w={260}
    placeholder="Value, then Enter"
    data={suggestions}
    maxTags={100}
    acceptValueOnBlur
    value={values}
    onChange={onChange}
  />
)

export default ListField
