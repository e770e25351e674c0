package main

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"github.com/kmdeveloping/dynalock"
)

var background = context.Background()

// steps are what the arguments may name.
var steps = map[string]func(p *program, step string){
	"stay": func(p *program, step string) { // until a line of input comes
		p.say(report{Do: step}, nil)
		_, _ = p.in.ReadString('\n')
	},
	"table": func(p *program, step string) {
		p.say(report{Do: step}, p.client.CreateTable(background))
	},
	"look": func(p *program, step string) { // at a lock that need not be there
		_, err := p.client.GetLock(background, p.key)
		if errors.Is(err, dynalock.ErrNotFound) {
			err = nil
		}
		p.say(report{Do: step}, err)
	},
	"acquire": func(p *program, step string) {
		p.got(step)(p.client.AcquireLock(background, p.key, p.options()...))
	},
	"resume": func(p *program, step string) {
		p.got(step)(p.client.ResumeLock(background, p.key))
	},
	"attach": func(p *program, step string) {
		p.got(step)(p.client.AttachLock(background, p.handle))
	},
	"handle": func(p *program, step string) {
		p.say(report{Do: step, Handle: p.lock.Handle()}, nil)
	},
	"renew": func(p *program, step string) {
		p.say(report{Do: step}, p.lock.Renew(background))
	},
	"update": func(p *program, step string) { // of the handle's lock
		p.say(report{Do: step}, p.lock.Update(background, []byte(p.data)))
	},
	"release": func(p *program, step string) {
		p.say(report{Do: step}, p.lock.Release(background))
	},
	"held": func(p *program, step string) {
		p.say(report{Do: step, Held: p.lock.Held()}, p.lock.Err())
	},
	"update-key": func(p *program, step string) {
		p.say(report{Do: step}, p.client.UpdateLock(background, p.key, []byte(p.data)))
	},
	"release-key": func(p *program, step string) {
		released, err := p.client.ReleaseLock(background, p.key)
		p.say(report{Do: step, Held: !released}, err)
	},
	"contend": contend,
	"loop":    loop,
}

func (p *program) options() []dynalock.AcquireOption {
	var opts []dynalock.AcquireOption
	if p.lease > 0 {
		opts = append(opts, dynalock.WithLease(p.lease))
	}
	if p.live {
		opts = append(opts, dynalock.KeepAlive())
	}
	if p.remove {
		opts = append(opts, dynalock.DeleteOnRelease())
	}
	if p.data != "" {
		opts = append(opts, dynalock.WithData([]byte(p.data)))
	}
	return opts
}

// got keeps a handle and tells of it.
func (p *program) got(step string) func(*dynalock.Lock, error) {
	return func(l *dynalock.Lock, err error) {
		r := report{Do: step}
		if err == nil {
			p.lock = l
			r.Token, r.Owner, r.Data, r.Stolen = l.Token(), l.Owner(), string(l.Data()), p.stolen
		}
		p.say(r, err)
	}
}

// contend tries to acquire again and again, without waiting, and tells when it
// believed that it held.
func contend(p *program, step string) {
	for range p.attempts {
		l, err := p.client.AcquireLock(background, p.key, p.options()...)
		if err != nil {
			p.say(report{Do: step}, err)
			if !errors.Is(err, dynalock.ErrHeld) {
				return
			}
			time.Sleep(rand.N(time.Millisecond)) // real time: another process holds the lock
			continue
		}
		p.hold(step, l)
	}
}

// loop waits for the lock, holds it for a while, and gives it back.
func loop(p *program, step string) {
	for end := time.Now().Add(p.for_); time.Now().Before(end); {
		l, err := p.client.AcquireLock(background, p.key, append(p.options(), dynalock.Wait())...)
		if err != nil {
			p.say(report{Do: step}, err)
			return
		}
		p.say(report{Do: "got", Token: l.Token(), Stolen: p.stolen}, nil)
		p.hold(step, l)
	}
}

// hold tells from when to when it believed, and how the tenure ended. Each
// moment was read before a look that showed the lock held, so a process that
// is stopped between two looks does not claim the time between them.
func (p *program) hold(step string, l *dynalock.Lock) {
	r := report{Do: step, Token: l.Token(), Stolen: p.stolen}
	began := time.Now()
	most := rand.N(p.pause)
	for last := began; ; {
		now := time.Now()
		held := l.Held()
		r.Gap = max(r.Gap, time.Since(last).Nanoseconds()) // a stop before or during this look
		last = now
		if !held {
			break
		}
		if r.From == 0 {
			r.From = now.UnixNano()
		}
		r.To = now.UnixNano()
		if now.Sub(began) >= most {
			break
		}
		time.Sleep(time.Millisecond) // real time: the critical section
	}
	p.say(r, l.Release(background))
}
