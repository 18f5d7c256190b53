// Package guessing slows down addresses that send many different wrong secrets.
package guessing

import (
	"container/list"
	"hash/maphash"
	"net/netip"
	"slices"
	"sync"
	"time"
)

const (
	// freeGuesses is how many wrong secrets an address may try before it has to wait: one second, then twice as long
	// for each further one, up to longestWait.
	freeGuesses = 10
	longestWait = time.Minute
	// guessMemory is how long after its last wrong secret an address is forgotten.
	guessMemory = 10 * time.Minute
	// maxGuessers bounds the addresses that are remembered, at some 200 bytes each.
	maxGuessers = 10_000
	// repeatsKnown is how many wrong secrets of an address are recognised when repeated: programs that repeat an
	// outdated one do not guess.
	repeatsKnown = 8
	// excusable is how many wrong secrets may come while an address waits before earlier correct secrets wait as
	// well; otherwise a guesser at the same address could try without limit.
	excusable = 100
)

// Watch records where wrong secrets come from. It is safe for concurrent use.
type Watch struct {
	seed maphash.Seed

	mu     sync.Mutex
	places map[netip.Prefix]*list.Element
	all    *list.List // of *guesser; the one with the oldest guess comes first

	regulars regulars
}

// guesser is one address, or an IPv6 network of the size of a single host's.
type guesser struct {
	from  netip.Prefix
	wrong int
	known [repeatsKnown]uint64 // hashes of the last wrong secrets
	last  time.Time            // time of the last wrong one
	until time.Time            // end of its wait

	whileWaiting int // wrong secrets, which were not checked
}

// NewWatch returns an empty watch.
func NewWatch() *Watch {
	return &Watch{seed: maphash.MakeSeed(), places: map[netip.Prefix]*list.Element{}, all: list.New(), regulars: newRegulars()}
}

// Judge records a secret if it is wrong, and returns how long its address has to wait until the next one is
// checked; 0 means that this one counts. first is true for the secret that starts the wait.
//
// Secrets that were correct from that address before the wait do not wait: clients that do not retry would lose
// their messages because of others behind the same address.
func (w *Watch) Judge(remote, secret string, right bool, now time.Time) (wait time.Duration, first bool) {
	from, hash := networkOf(remote), maphash.String(w.seed, secret)
	w.mu.Lock()
	defer w.mu.Unlock()
	who := w.find(from, now)
	switch {
	case who != nil && now.Before(who.until):
		if right && who.whileWaiting < excusable && w.regulars.has(from, hash) {
			return 0, false
		}
		who.pass(right, hash)
		return who.until.Sub(now), false
	case right:
		if who == nil || who.wrong < freeGuesses {
			w.regulars.add(from, hash)
		}
		return 0, false
	case who == nil:
		who = w.add(from)
	}
	if !who.note(hash, now) {
		return 0, false
	}
	w.all.MoveToBack(w.places[from])
	return 0, who.wrong == freeGuesses
}

// find returns the recent guesser of a network, nil if there is none.
func (w *Watch) find(from netip.Prefix, now time.Time) *guesser {
	place, ok := w.places[from]
	if !ok {
		return nil
	}
	who, _ := place.Value.(*guesser)
	if now.Sub(who.last) > guessMemory {
		w.remove(place)
		return nil
	}
	return who
}

// add makes room for a new guesser.
func (w *Watch) add(from netip.Prefix) *guesser {
	if w.all.Len() >= maxGuessers {
		w.remove(w.all.Front())
	}
	who := &guesser{from: from}
	w.places[from] = w.all.PushBack(who)
	return who
}

func (w *Watch) remove(place *list.Element) {
	who, _ := w.all.Remove(place).(*guesser)
	delete(w.places, who.from)
}

// note counts a wrong secret, unless it is one of the last.
func (g *guesser) note(secret uint64, now time.Time) bool {
	if g.knows(secret) {
		return false
	}
	g.known[g.wrong%repeatsKnown] = secret
	g.wrong++
	g.last = now
	if beyond := g.wrong - freeGuesses; beyond >= 0 {
		g.until = now.Add(min(time.Second<<min(beyond, 10), longestWait))
	}
	return true
}

// pass counts secrets during the wait.
func (g *guesser) pass(right bool, secret uint64) {
	if !right && !g.knows(secret) {
		g.whileWaiting++
	}
}

// knows reports whether a wrong secret is one of the last.
func (g *guesser) knows(secret uint64) bool {
	return slices.Contains(g.known[:min(g.wrong, repeatsKnown)], secret)
}

// networkOf is the address, of IPv6 its first 64 bits.
func networkOf(remote string) netip.Prefix {
	addr, err := netip.ParseAddr(remote)
	if err != nil {
		return netip.Prefix{}
	}
	network, _ := addr.Prefix(min(addr.BitLen(), 64))
	return network
}
