-- One name for campaigns, in code, paths and here. The view answers a server of the version before while both run;
-- it goes with the version after this one.
alter table behavioral_campaigns rename to campaigns;
alter index behavioral_trigger rename to campaigns_trigger;
create view behavioral_campaigns as select * from campaigns;
