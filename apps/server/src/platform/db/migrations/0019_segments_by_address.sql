-- Conditions on `email` compare addresses in their one form. Segments that ask for it, and those that name such a one, are
-- built again: housekeeping gives their tasks work.
create temporary table asking on commit drop as
with recursive asking (project_id, id) as (
  select project_id, id from segments
  where kind = 'dynamic' and conditions @? 'strict $.**.person ? (@ == "email")'
  union
  select s.project_id, s.id from segments s join asking a
    on s.project_id = a.project_id and s.kind = 'dynamic'
      and s.conditions @? format('strict $.**.segment ? (@ == %s)', a.id)::jsonpath)
select project_id, id from asking;

update tasks t set state = 'cancelled', finished_at = now(), steps = steps + 1
from segments s join asking using (project_id, id)
where t.project_id = s.project_id and t.id = s.build_task and t.state in ('waiting', 'running', 'paused');

with built as (
  insert into tasks (project_id, kind, title, input)
  select s.project_id, 'segment_build', 'Build segment ' || s.name, jsonb_build_object('segment', s.id)
  from segments s join asking using (project_id, id)
  returning project_id, id, (input ->> 'segment')::integer as segment)
update segments s set state = 'building', built_to = 0, build_task = b.id
from built b where s.project_id = b.project_id and s.id = b.segment;
