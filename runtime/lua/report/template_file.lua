-- The word `template` of scripts: a template that lies in a file beside the report.
return require("report.definition").template
