module github.com/kmdeveloping/dynalock/sim

go 1.26.0

require github.com/kmdeveloping/dynalock v0.0.0

replace github.com/kmdeveloping/dynalock => ../
