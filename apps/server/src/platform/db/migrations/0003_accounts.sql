-- Who signs in, and which organization owns a project.
-- The quoted columns are better-auth's own names; a test compares these tables with what the installed version wants.

create table users (
  id              text primary key,
  name            text not null,
  email           text not null unique,
  "emailVerified" boolean not null,
  image           text,
  "createdAt"     timestamptz not null default current_timestamp,
  "updatedAt"     timestamptz not null default current_timestamp
);

create table organizations (
  id          text primary key,
  name        text not null,
  slug        text not null unique,
  logo        text,
  "createdAt" timestamptz not null default current_timestamp,
  metadata    text
);

-- `token` is in the cookie next to a signature made with FAIRWAY_SECRET: reading this table signs nobody in.
create table sessions (
  id          text primary key,
  "expiresAt" timestamptz not null,
  token       text not null unique,
  "createdAt" timestamptz not null default current_timestamp,
  "updatedAt" timestamptz not null,
  "ipAddress" text,
  "userAgent" text,
  "userId"    text not null references users (id) on delete cascade,
  "activeOrganizationId" text
);
create index "sessions_userId_idx" on sessions ("userId");

-- Ways of signing in; `password` is a salted scrypt hash.
create table user_accounts (
  id             text primary key,
  "accountId"    text not null,
  "providerId"   text not null,
  "userId"       text not null references users (id) on delete cascade,
  "accessToken"  text,
  "refreshToken" text,
  "idToken"      text,
  "accessTokenExpiresAt"  timestamptz,
  "refreshTokenExpiresAt" timestamptz,
  scope          text,
  password       text,
  "createdAt"    timestamptz not null default current_timestamp,
  "updatedAt"    timestamptz not null
);
create index "user_accounts_userId_idx" on user_accounts ("userId");

-- One-time sign-in links; `identifier` holds the token's hash.
create table verifications (
  id          text primary key,
  identifier  text not null,
  value       text not null,
  "expiresAt" timestamptz not null,
  "createdAt" timestamptz not null default current_timestamp,
  "updatedAt" timestamptz not null default current_timestamp
);
create index verifications_identifier_idx on verifications (identifier);

create table members (
  id               text primary key,
  "organizationId" text not null references organizations (id) on delete cascade,
  "userId"         text not null references users (id) on delete cascade,
  -- 'owner', 'admin' or 'member'; several are separated by commas
  role             text not null,
  "createdAt"      timestamptz not null default current_timestamp
);
create index "members_organizationId_idx" on members ("organizationId");
create index "members_userId_idx" on members ("userId");

create table invitations (
  id               text primary key,
  "organizationId" text not null references organizations (id) on delete cascade,
  email            text not null,
  role             text,
  status           text not null,
  "expiresAt"      timestamptz not null,
  "createdAt"      timestamptz not null default current_timestamp,
  "inviterId"      text not null references users (id) on delete cascade
);
create index "invitations_organizationId_idx" on invitations ("organizationId");
create index invitations_email_idx on invitations (email);

create index projects_organization on projects (organization_id);
-- A deleted project is hidden at once; its rows go in the background, its own row last.
alter table projects add column deleted_at timestamptz;
