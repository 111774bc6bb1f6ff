-- Made while the project was live: it is meant for its recipient, and never for the mailbox of a project in test mode.
alter table messages add column live boolean not null default false;
update messages m set live = true from projects p where p.id = m.project_id and p.mode = 'live' and m.state = 'pending';
