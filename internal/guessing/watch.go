// Package guessing makes addresses wait from which many different wrong secrets come.
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
	// freeGuesses is how many wrong secrets an address may try before it has to wait: a
	// second, then twice as long for each further one, up to longestWait.
	freeGuesses = 10
	longestWait = time.Minute
	// guessMemory is how long after its last wrong token an address begins anew.
	guessMemory = 10 * time.Minute
	// maxGuessers bounds the addresses that are remembered, at some 200 bytes each.
	maxGuessers = 10_000
	// repeatsKnown is how many wrong secrets of an address are known when they come again:
	// programs that repeat one with an old setting are no guessers.
	repeatsKnown = 8
)

// Watch knows from where wrong secrets come. It is safe for concurrent use.
type Watch struct {
	seed maphash.Seed

	mu     sync.Mutex
	places map[netip.Prefix]*list.Element
	all    *list.List // of *guesser; the one whose last guess is longest ago comes first
}

// guesser is one address, or an IPv6 network of the size that a single host may have.
type guesser struct {
	from  netip.Prefix
	wrong int
	known [repeatsKnown]uint64 // hashes of the last wrong secrets
	last  time.Time            // of the wrong ones
	until time.Time            // it has to wait
}

// NewWatch returns a watch that knows nothing yet.
func NewWatch() *Watch {
	return &Watch{seed: maphash.MakeSeed(), places: map[netip.Prefix]*list.Element{}, all: list.New()}
}

// Judge notes a wrong secret, and returns how long its address has to wait until the next one
// is looked at; 0 means that this one counts. first is true for the one that begins that.
func (w *Watch) Judge(remote, secret string, right bool, now time.Time) (wait time.Duration, first bool) {
	from := networkOf(remote)
	w.mu.Lock()
	defer w.mu.Unlock()
	who := w.find(from, now)
	switch {
	case who != nil && now.Before(who.until):
		return who.until.Sub(now), false
	case right:
		return 0, false
	case who == nil:
		who = w.add(from)
	}
	if !who.note(maphash.String(w.seed, secret), now) {
		return 0, false
	}
	w.all.MoveToBack(w.places[from])
	return 0, who.wrong == freeGuesses
}

// find returns who has guessed from a network of late, nil for nobody.
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

// add makes room for somebody new.
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
	if slices.Contains(g.known[:min(g.wrong, repeatsKnown)], secret) {
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

// networkOf is the address, of IPv6 its first 64 bits.
func networkOf(remote string) netip.Prefix {
	addr, err := netip.ParseAddr(remote)
	if err != nil {
		return netip.Prefix{}
	}
	network, _ := addr.Prefix(min(addr.BitLen(), 64))
	return network
}
