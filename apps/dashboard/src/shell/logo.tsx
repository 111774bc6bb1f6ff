/** Two buoys and the channel between them. */
export function Logo({ size = 30 }: { size?: number }) {
  return (
    <svg width={size} height={size} viewBox="0 0 32 32" aria-hidden="true" style={{ flexShrink: 0 }}>
      <rect width="32" height="32" rx="8" fill="var(--mantine-color-lagoon-7)" />
      <path d="M13.4 6.5h5.2l5.9 19h-17z" fill="#fff" fillOpacity="0.22" />
      <path d="M16 8v2.6m0 3.4v3m0 3.4v4.1" stroke="#fff" strokeWidth="2.2" strokeLinecap="round" />
      <circle cx="8.7" cy="15.5" r="2.6" fill="#ff9a6b" />
      <circle cx="23.3" cy="15.5" r="2.6" fill="#fff" />
    </svg>
  )
}
