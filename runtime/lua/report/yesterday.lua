-- The word `yesterday` of scripts: the default of a report's date.
return require("report.params").yesterday
