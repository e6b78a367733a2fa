-- The word `resource` of scripts.
return require("sync").resource
