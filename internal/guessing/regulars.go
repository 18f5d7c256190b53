package guessing

import (
	"container/list"
	"net/netip"
	"slices"
)

const (
	// maxRegulars bounds the networks whose correct secrets are remembered, and maxSecrets the secrets of each.
	maxRegulars = 1000
	maxSecrets  = 16
)

// regulars has the secrets that were correct, by network: the least recently used are removed first.
type regulars struct {
	places map[netip.Prefix]*list.Element
	all    *list.List // of *regular
}

type regular struct {
	from    netip.Prefix
	secrets []uint64 // hashes
}

func newRegulars() regulars {
	return regulars{places: map[netip.Prefix]*list.Element{}, all: list.New()}
}

func (r regulars) has(from netip.Prefix, secret uint64) bool {
	who := r.find(from)
	return who != nil && slices.Contains(who.secrets, secret)
}

func (r regulars) find(from netip.Prefix) *regular {
	place, ok := r.places[from]
	if !ok {
		return nil
	}
	who, _ := place.Value.(*regular)
	return who
}

// add remembers a correct secret.
func (r regulars) add(from netip.Prefix, secret uint64) {
	who := r.find(from)
	if who == nil {
		who = r.admit(from)
	}
	r.all.MoveToBack(r.places[from])
	if i := slices.Index(who.secrets, secret); i >= 0 {
		who.secrets = slices.Delete(who.secrets, i, i+1)
	} else if len(who.secrets) == maxSecrets {
		who.secrets = slices.Delete(who.secrets, 0, 1)
	}
	who.secrets = append(who.secrets, secret)
}

// admit makes room for a new network.
func (r regulars) admit(from netip.Prefix) *regular {
	if r.all.Len() >= maxRegulars {
		oldest, _ := r.all.Remove(r.all.Front()).(*regular)
		delete(r.places, oldest.from)
	}
	who := &regular{from: from}
	r.places[from] = r.all.PushBack(who)
	return who
}
