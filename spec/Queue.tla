------------------------------- MODULE Queue -------------------------------
(* The queue of one lock: join, grant, claim, takeover from a place and from  *)
(* outside, requests to join that are carried out late, cleaning, death.      *)
(* Each client wants the lock once. A step here is one request and its        *)
(* answer; what late and lost requests do to a tenure is in Lock.tla. Time is *)
(* counted from now. A client that lives reads once a tick and releases       *)
(* before its lease ends: that is what "lives" means.                         *)
EXTENDS Integers, Sequences, FiniteSets

CONSTANTS
  Clients,    \* 1 .. n
  Lease, Window,
  Bound,      \* of the queue
  Deaths,     \* how many clients may die
  Losses,     \* how many answers to requests to join are lost
  Dropped

VARIABLES rec, cl, late, deaths
vars == <<rec, cl, late, deaths>>

Rule(r) == r \notin Dropped
Down(x, least) == IF x > least THEN x - 1 ELSE least
Past == -(Bound + 1) * Window - 1

Init ==
  /\ rec = [live |-> FALSE, n |-> 0, exp |-> Past, q |-> <<>>]
  /\ cl = [c \in Clients |-> [st |-> "outside", try |-> 1, until |-> 0, polled |-> FALSE]]
  /\ late = {}
  /\ deaths = {}

(* A nonce is its client's number and that of its try.                        *)
Id(c) == 10 * c + cl[c].try
Lives(c) == c \notin deaths
Waits(c) == cl[c].st \in {"outside", "queued"}
Believes(c) == cl[c].until > 0
InQueue(n) == \E i \in 1 .. Len(rec.q) : rec.q[i] = n
Place(n) == (CHOOSE i \in 1 .. Len(rec.q) : rec.q[i] = n) - 1    \* 0: the head
Taken == rec.live \/ rec.q # <<>>

Lapsed(windows) == rec.live /\ rec.exp < -(windows * Window)

Hold(c, until) == cl' = [cl EXCEPT ![c].st = "holds", ![c].until = until, ![c].polled = TRUE]
Polled(c) == cl' = [cl EXCEPT ![c].polled = TRUE]

-----------------------------------------------------------------------------
(* Outside the queue *)

Acquire(c) ==
  /\ cl[c].st = "outside" /\ ~Taken
  /\ rec' = [rec EXCEPT !.live = TRUE, !.n = Id(c), !.exp = Lease]
  /\ Hold(c, Lease)
  /\ UNCHANGED <<late, deaths>>

Join(c) ==
  /\ cl[c].st = "outside" /\ rec.live /\ Len(rec.q) < Bound /\ ~cl[c].polled
  /\ rec' = [rec EXCEPT !.q = Append(@, Id(c))]
  /\ cl' = [cl EXCEPT ![c].st = "queued", ![c].polled = TRUE]
  /\ UNCHANGED <<late, deaths>>

(* No answer: another nonce, and the request may be carried out later.        *)
JoinLost(c) ==
  /\ cl[c].st = "outside" /\ rec.live /\ ~cl[c].polled
  /\ cl[c].try <= Losses
  /\ late' = late \cup {Id(c)}
  /\ cl' = [cl EXCEPT ![c].try = @ + 1, ![c].polled = TRUE]
  /\ UNCHANGED <<rec, deaths>>

Late(n) ==
  /\ late' = late \ {n}
  /\ rec' = IF rec.live /\ rec.n # n /\ ~InQueue(n) /\ Len(rec.q) < Bound
              THEN [rec EXCEPT !.q = Append(@, n)] ELSE rec
  /\ UNCHANGED <<cl, deaths>>

TakeOverFromOutside(c) ==
  /\ cl[c].st = "outside" /\ Lapsed(Len(rec.q)) /\ ~cl[c].polled
  /\ rec.q = <<>> \/ Rule("OutsidersTurn")
  /\ rec' = [rec EXCEPT !.n = Id(c), !.exp = Lease, !.q = <<>>]
  /\ Hold(c, Lease)
  /\ UNCHANGED <<late, deaths>>

LookOutside(c) ==
  /\ cl[c].st = "outside" /\ ~cl[c].polled
  /\ Taken /\ Len(rec.q) >= Bound /\ ~(Rule("OutsidersTurn") /\ Lapsed(Len(rec.q)))
  /\ Polled(c)
  /\ UNCHANGED <<rec, late, deaths>>

-----------------------------------------------------------------------------
(* In the queue *)

Granted(c) == cl[c].st = "queued" /\ rec.live /\ rec.n = Id(c)

(* It did not send the write that granted: it goes by the end that is written.*)
Accept(c) ==
  /\ Granted(c) /\ rec.exp > 0
  /\ Hold(c, IF Rule("GrantEndsWithExpires") THEN rec.exp ELSE Window)
  /\ UNCHANGED <<rec, late, deaths>>

(* Or it claims by a renewal, which sets the end with the lease.              *)
Claim(c) ==
  /\ Granted(c)
  /\ rec' = IF Rule("ClaimSetsExpires") THEN [rec EXCEPT !.exp = Lease] ELSE rec
  /\ Hold(c, Lease)
  /\ UNCHANGED <<late, deaths>>

TakeOverFromPlace(c) ==
  /\ cl[c].st = "queued" /\ InQueue(Id(c)) /\ ~cl[c].polled
  /\ LET p == Place(Id(c))
     IN /\ p = 0 \/ Rule("LaterPlacesTurn")
        /\ Lapsed(p)
        /\ rec' = [rec EXCEPT !.n = Id(c), !.exp = Lease, !.q = SubSeq(rec.q, p + 2, Len(rec.q))]
  /\ Hold(c, Lease)
  /\ UNCHANGED <<late, deaths>>

(* Dropped by a takeover, or granted and too late: outside, with a new nonce.  *)
(* (One who is slow would do so without end, and is left out.)                *)
Rejoin(c) ==
  /\ Lives(c)
  /\ cl[c].st = "queued" /\ ~InQueue(Id(c)) /\ ~Granted(c)
  /\ cl' = [cl EXCEPT ![c].st = "outside", ![c].try = @ + 1, ![c].polled = TRUE]
  /\ UNCHANGED <<rec, late, deaths>>

LookQueued(c) ==
  /\ cl[c].st = "queued" /\ InQueue(Id(c)) /\ ~cl[c].polled
  /\ ~(Lapsed(Place(Id(c))) /\ (Place(Id(c)) = 0 \/ Rule("LaterPlacesTurn")))
  /\ Polled(c)
  /\ UNCHANGED <<rec, late, deaths>>

-----------------------------------------------------------------------------
(* Ends *)

PassOn(r) ==
  IF r.q = <<>> THEN [r EXCEPT !.live = FALSE, !.exp = Past]
  ELSE IF Rule("ReleaseHandsOver") THEN [r EXCEPT !.n = Head(r.q), !.exp = Window, !.q = Tail(r.q)]
  ELSE [r EXCEPT !.live = FALSE, !.exp = Past]

Release(c) ==
  /\ cl[c].st = "holds"
  /\ rec' = IF rec.live /\ rec.n = Id(c) THEN PassOn(rec) ELSE rec
  /\ cl' = [cl EXCEPT ![c].st = "done", ![c].until = 0]
  /\ UNCHANGED <<late, deaths>>

(* Nonces that a client has done with, and what is left of them.              *)
Orphan(c, n) == n \div 10 = c /\ (n # Id(c) \/ cl[c].st = "done")
Left(n) == InQueue(n) \/ (rec.live /\ rec.n = n)

Clean(c) ==
  /\ Rule("Clean")
  /\ \E n \in {10 * c + i : i \in 1 .. cl[c].try} :
       /\ Orphan(c, n) /\ Left(n)
       /\ rec' = IF InQueue(n)
                   THEN [rec EXCEPT !.q = SubSeq(@, 1, Place(n)) \o SubSeq(@, Place(n) + 2, Len(@))]
                   ELSE PassOn(rec)
  /\ UNCHANGED <<cl, late, deaths>>

(* It dies, or is slow from here on. *)
Die(c) ==
  /\ Lives(c) /\ Cardinality(deaths) < Deaths /\ cl[c].st # "done"
  /\ deaths' = deaths \cup {c}
  /\ UNCHANGED <<rec, cl, late>>

-----------------------------------------------------------------------------
Tick ==
  /\ \A c \in Clients : Lives(c) =>
       /\ Waits(c) => cl[c].polled
       /\ cl[c].st = "holds" => cl[c].until > 1
  /\ rec' = [rec EXCEPT !.exp = Down(@, Past)]
  /\ cl' = [c \in Clients |-> [cl[c] EXCEPT !.until = Down(@, 0), !.polled = FALSE]]
  /\ UNCHANGED <<late, deaths>>

(* Who does not live is dead or slow: it acts late or not at all.              *)
Act(c) ==
  \/ Acquire(c) \/ Join(c) \/ JoinLost(c) \/ TakeOverFromOutside(c) \/ LookOutside(c)
  \/ Accept(c) \/ Claim(c) \/ TakeOverFromPlace(c) \/ Rejoin(c) \/ LookQueued(c)
End(c) == Release(c)
Tidy(c) == Clean(c)

Next ==
  \/ Tick
  \/ \E c \in Clients : Act(c) \/ End(c) \/ Tidy(c) \/ Die(c)
  \/ \E n \in late : Late(n)

Spec ==
  /\ Init /\ [][Next]_vars
  /\ WF_vars(Tick)
  /\ \A c \in Clients : WF_vars(Lives(c) /\ Act(c)) /\ WF_vars(Lives(c) /\ End(c)) /\ WF_vars(Lives(c) /\ Tidy(c))

-----------------------------------------------------------------------------
OneBeliever == \A c, d \in Clients : c # d => ~(Believes(c) /\ Believes(d))

BelieverHasItem == \A c \in Clients : Believes(c) => rec.live /\ rec.n = Id(c)

(* Nobody stands in the queue twice under one nonce, or holds and stands in it.*)
QueueSound ==
  /\ Len(rec.q) <= Bound
  /\ \A i, j \in 1 .. Len(rec.q) : i # j => rec.q[i] # rec.q[j]
  /\ ~(rec.live /\ InQueue(rec.n))

(* Whoever wants the lock and lives gets it.                                  *)
EachGetsIt == \A c \in Clients : <>(cl[c].st = "done" \/ ~Lives(c))

(* A free lock with a waiter that lives is granted.                           *)
WaiterLives == \E c \in Clients : Lives(c) /\ Waits(c)
FreeIsGranted == (~rec.live /\ WaiterLives) ~> (rec.live \/ ~WaiterLives)

(* What a late request left behind goes, while its client lives.              *)
OrphansGo ==
  \A c \in Clients : []<>(~Lives(c) \/ \A n \in {10 * c + i : i \in 1 .. cl[c].try} : Orphan(c, n) => ~Left(n))
=============================================================================
