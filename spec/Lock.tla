-------------------------------- MODULE Lock --------------------------------
(* One lock and its clients: acquire, renew, update, release, takeover by the *)
(* clock and by observation, and what ends a tenure from outside (force,      *)
(* release by key, resume, deletion by hand). See README.md.                  *)
(*                                                                            *)
(* Time. All times are counted from now, so Tick lowers them and there is no  *)
(* clock to run out: the behaviours are endless. Each client knows the        *)
(* store's clock as an interval and its own rate within bounds. What stands   *)
(* here is the worst that such a client can do: it writes an end as late as   *)
(* Offsets allows, believes as long as the slowest clock lets it, and takes   *)
(* over as soon as the fastest does. A client with better clocks does less.   *)
(*                                                                            *)
(* Requests. What was sent stays in sent for ever and may be carried out at   *)
(* any time, any number of times, or never. Its answer arrives or is lost.    *)
EXTENDS Integers, FiniteSets, TLC

CONSTANTS
  Clients,    \* who may hold the lock
  Tenures,    \* how many nonces there are
  Leases,     \* the lengths that a lease may have
  Drift,      \* what a local clock may lose, or gain, within a lease
  Width,      \* of what a client knows of the store's clock
  Offsets,    \* what a sender's idea of the store's clock may be off by
  Tries, Renewals, Updates, Outsides, \* how many requests of each kind
  TokenStep,  \* 1: tokens count; 0: they are left out
  Ways,       \* how a lease may be found to have ended: "clock", "observation"
  Outside,    \* the requests that end a tenure from outside
  Dropped     \* the rules that a variant goes without

VARIABLES
  rec,        \* the item
  sent,       \* every request that was ever sent
  cl,         \* what each client knows: its try or its tenure
  obs,        \* what each client has observed, and for how much longer it must
  used,       \* nonces used so far
  outside     \* nonces of tenures that were ended from outside: the exceptions

vars == <<rec, sent, cl, obs, used, outside>>

Rule(r) == r \notin Dropped

Max(S) == CHOOSE x \in S : \A y \in S : y <= x
Min(S) == CHOOSE x \in S : \A y \in S : x <= y
Least(a, b) == IF a < b THEN a ELSE b

Long == Max(Leases) + Max(Offsets) + Drift
Past == -2               \* ends longer ago are not told apart
Never == -9              \* a safeNow that ends no lease

Nothing == [n |-> 0, seq |-> 0, left |-> 0]
Idle == [st |-> "idle", n |-> 0, seq |-> 0, lease |-> 0, until |-> 0]
NoItem == [item |-> FALSE, n |-> 0, seq |-> 0, live |-> FALSE, exp |-> Past, lease |-> 0, tok |-> 0]

(* A request. n: the nonce that it is about; on, seq, tok: what it saw, or    *)
(* for writes of a tenure its own seq; new: the seq that it writes; exp,      *)
(* lease: what it promises; bel: how long its sender may believe if it was    *)
(* made; safe: earliest() when it was sent.                                   *)
Request == [op |-> "", c |-> 0, n |-> 0, on |-> 0, seq |-> 0, new |-> 0, tok |-> 0,
            exp |-> 0, lease |-> 0, bel |-> 0, safe |-> Never]

Of(op) == {m \in sent : m.op = op}
SentFor(op, n) == {m \in sent : m.op = op /\ m.n = n}
Begins(n) == {m \in sent : m.op \in {"acquire", "take", "resume"} /\ m.n = n}
OutsideOps == {"force", "key", "hand", "resume"}

Init ==
  /\ rec = NoItem
  /\ sent = {}
  /\ cl = [c \in Clients |-> Idle]
  /\ obs = [c \in Clients |-> Nothing]
  /\ used = 0
  /\ outside = {}

-----------------------------------------------------------------------------
(* Sending *)

(* The belief that a write gives: its lease on a clock that is slow, but not  *)
(* beyond the end that it wrote.                                              *)
Belief(exp, lease) ==
  IF Rule("BeliefEndsWithExpires") THEN Least(lease + Drift, exp) ELSE lease + Drift

Promise(m, off, lease) ==
  [m EXCEPT !.exp = lease + off, !.lease = lease, !.bel = Belief(lease + off, lease)]

(* The seq that a copy of a try begins with: another one for each.           *)
FirstSeq(n) == IF Rule("CopiesDiffer") THEN 10 * Cardinality(Begins(n)) + 10 ELSE 10

Begin(c, n, m) ==
  \E off \in Offsets, lease \in Leases :
    sent' = sent \cup {Promise([m EXCEPT !.c = c, !.n = n, !.new = FirstSeq(n)], off, lease)}

BeginSome(c, n) ==
  \/ Begin(c, n, [Request EXCEPT !.op = "acquire",
                  !.safe = CASE "clock" \notin Ways -> Never
                             [] Rule("EarliestEndsLeases") -> 0
                             [] OTHER -> Width])
  \* Its lease has run out by the clock, or by observation.
  \/ /\ rec.live /\ rec.exp < 0 /\ rec.n # n /\ "clock" \in Ways
     /\ Begin(c, n, [Request EXCEPT !.op = "take", !.on = rec.n, !.seq = rec.seq, !.tok = rec.tok])
  \/ /\ obs[c].n # 0 /\ obs[c].left = 0
     /\ rec.n = obs[c].n /\ rec.n # n
     /\ Begin(c, n, [Request EXCEPT !.op = "take", !.on = obs[c].n, !.seq = obs[c].seq, !.tok = rec.tok])

TriesLeft == Cardinality(Of("acquire") \cup Of("take")) < Tries

Try(c) ==
  /\ cl[c].st = "idle" /\ used < Tenures /\ TriesLeft
  /\ BeginSome(c, used + 1)
  /\ used' = used + 1
  /\ cl' = [cl EXCEPT ![c] = [Idle EXCEPT !.st = "trying", !.n = used + 1]]
  /\ UNCHANGED <<rec, obs, outside>>

TryAgain(c) ==
  /\ cl[c].st = "trying" /\ TriesLeft
  /\ BeginSome(c, cl[c].n)
  /\ UNCHANGED <<rec, cl, obs, used, outside>>

(* What a client believed of a nonce that it is done with does not matter.    *)
Forget(all, n) == {IF m.n = n THEN [m EXCEPT !.bel = 0] ELSE m : m \in all}

(* The call ends without an answer; what was sent may still be carried out.   *)
Abandon(c) ==
  /\ cl[c].st = "trying"
  /\ cl' = [cl EXCEPT ![c] = Idle]
  /\ sent' = Forget(sent, cl[c].n)
  /\ UNCHANGED <<rec, obs, used, outside>>

Believes(c) == cl[c].st = "held" /\ cl[c].until > 0

Renew(c) ==
  /\ Believes(c) /\ Cardinality(Of("renew")) < Renewals
  /\ \E off \in Offsets, lease \in Leases :
       LET m == Promise([Request EXCEPT !.op = "renew", !.c = c, !.n = cl[c].n,
                         !.seq = cl[c].seq, !.new = cl[c].seq + 1], off, lease)
       IN /\ sent' = sent \cup {m}
          \* While it is not known whether a shorter lease was written, the
          \* shorter of the two is believed.
          /\ cl' = IF lease < cl[c].lease /\ Rule("ShorterOfTwo")
                     THEN [cl EXCEPT ![c].until = Least(@, m.bel)] ELSE cl
  /\ UNCHANGED <<rec, obs, used, outside>>

Update(c) ==
  /\ Believes(c) /\ Cardinality(Of("update")) < Updates
  /\ sent' = sent \cup {[Request EXCEPT !.op = "update", !.c = c, !.n = cl[c].n,
                         !.seq = cl[c].seq, !.new = cl[c].seq + 1]}
  /\ UNCHANGED <<rec, cl, obs, used, outside>>

Release(c) ==
  /\ cl[c].st = "held"
  /\ \E op \in {"release"} \cup ({"delete"} \cap Outside) :
       sent' = Forget(sent, cl[c].n) \cup {[Request EXCEPT !.op = op, !.c = c, !.n = cl[c].n]}
  /\ cl' = [cl EXCEPT ![c] = Idle]
  /\ UNCHANGED <<rec, obs, used, outside>>

(* A look finds a tenure that came into being after its call moved on.        *)
Clean(c) ==
  /\ rec.live /\ \E m \in Begins(rec.n) : m.c = c
  /\ Rule("CleanNobodysOnly") => cl[c].n # rec.n
  /\ sent' = sent \cup {[Request EXCEPT !.op = "release", !.c = c, !.n = rec.n]}
  /\ sent' # sent
  /\ UNCHANGED <<rec, cl, obs, used, outside>>

(* Observation counts from when the answer arrived, for the lease that the    *)
(* record promises, on a clock that may be fast.                              *)
Observe(c) ==
  /\ rec.live /\ "observation" \in Ways
  /\ TriesLeft /\ cl[c].st # "held"    \* otherwise it is of no use to him
  /\ (cl[c].st = "trying" \/ used < Tenures)
  /\ <<obs[c].n, obs[c].seq>> # <<rec.n, rec.seq>>
  /\ obs' = [obs EXCEPT ![c] = [n |-> rec.n, seq |-> rec.seq,
       left |-> (IF Rule("ObserveTheRecordsLease") THEN rec.lease ELSE Min(Leases))
                + (IF Rule("ObserveForDrift") THEN Drift ELSE -Drift)]]
  /\ UNCHANGED <<rec, sent, cl, used, outside>>

(* Somebody outside looks at a tenure, and then ends that one.                *)
ActOutside ==
  /\ rec.live /\ Cardinality({m \in sent : m.op \in OutsideOps}) < Outsides
  /\ \E op \in Outside \cap {"force", "key", "hand"} :
       sent' = sent \cup {[Request EXCEPT !.op = op, !.n = rec.n, !.tok = rec.tok]}
  /\ UNCHANGED <<rec, cl, obs, used, outside>>

Resume(c) ==
  /\ "resume" \in Outside /\ rec.live /\ cl[c].st = "idle" /\ used < Tenures
  /\ Cardinality({m \in sent : m.op \in OutsideOps}) < Outsides
  /\ Begin(c, used + 1, [Request EXCEPT !.op = "resume", !.on = rec.n, !.seq = rec.seq, !.tok = rec.tok])
  /\ used' = used + 1
  /\ cl' = [cl EXCEPT ![c] = [Idle EXCEPT !.st = "trying", !.n = used + 1]]
  /\ UNCHANGED <<rec, obs, outside>>

-----------------------------------------------------------------------------
(* Carrying out *)

Mine(m) == rec.live /\ rec.n = m.n

Holds(m) ==
  CASE m.op = "acquire" ->
         \/ ~rec.item
         \/ /\ rec.n # m.n \/ ~Rule("AcquireNotMyNonce")
            /\ ~rec.live \/ rec.exp < m.safe
    [] m.op \in {"take", "resume"} ->
         /\ rec.live /\ rec.n = m.on
         /\ (rec.seq = m.seq \/ ~Rule("TakeOverSeq"))
         /\ (rec.tok = m.tok \/ ~Rule("TakeOverToken"))
    [] m.op = "renew" -> Mine(m) /\ (rec.seq = m.seq \/ ~Rule("RenewSeq"))
    [] m.op = "update" -> Mine(m) /\ rec.seq = m.seq
    [] m.op \in {"release", "delete"} -> rec.live /\ (rec.n = m.n \/ ~Rule("ReleaseNonce"))
    [] m.op \in {"force", "key", "hand"} -> rec.live /\ (rec.n = m.n \/ ~Rule("OutsideNonce"))

After(m) ==
  CASE m.op \in {"acquire", "take", "resume"} ->
         [item |-> TRUE, n |-> m.n, seq |-> m.new, live |-> TRUE, exp |-> m.exp, lease |-> m.lease,
          tok |-> (IF m.op = "acquire" THEN rec.tok ELSE m.tok) + TokenStep]
    [] m.op = "renew" -> [rec EXCEPT !.seq = m.new, !.exp = m.exp, !.lease = m.lease]
    [] m.op = "update" -> [rec EXCEPT !.seq = m.new, !.tok = @ + TokenStep]
    [] m.op \in {"release", "force", "key"} ->
         [rec EXCEPT !.live = FALSE, !.seq = @ + 1, !.exp = Past, !.lease = 0, !.tok = @ + TokenStep]
    [] m.op \in {"delete", "hand"} -> NoItem

(* What its sender knows from the answer: the item as it is after the write,  *)
(* or as it was when it was refused.                                          *)
Won(c, n, seq, lease, until) == [st |-> "held", n |-> n, seq |-> seq, lease |-> lease, until |-> until]

Copies(n) ==   \* copies of a try that the record may show
  {m \in Begins(n) : m.new = rec.seq /\ m.exp = rec.exp /\ m.lease = rec.lease}

TryAnswer(m, applied) ==
  LET c == m.c
      own == IF Rule("BeliefFromSending") THEN m.bel ELSE Belief(m.lease + Max(Offsets), m.lease)
      all == {k.bel : k \in IF Rule("ExactlyTheValues") THEN Copies(m.n) ELSE Begins(m.n)}
      shown == IF Rule("ExactlyTheValues") THEN Min(all) ELSE Max(all)
  IN CASE applied -> IF own > 0 THEN Won(c, m.n, m.new, m.lease, own) ELSE Idle
       [] ~applied /\ rec.live /\ rec.n = m.n /\ all # {} ->
            IF shown > 0 THEN Won(c, m.n, rec.seq, rec.lease, shown) ELSE Idle
       [] ~applied /\ rec.n = m.n -> Idle    \* ended already: another nonce
       [] OTHER -> cl[c]

Ongoing(c) == cl[c].until > 0 \/ ~Rule("EndedStaysEnded")

HolderAnswer(m, applied) ==
  LET c == m.c
      same == {k \in SentFor("renew", m.n) : k.new = rec.seq /\ k.exp = rec.exp /\ k.lease = rec.lease}
      bel == IF Rule("BeliefFromSending") THEN m.bel ELSE Belief(m.lease + Max(Offsets), m.lease)
  IN CASE applied /\ m.op = "renew" ->
            [cl[c] EXCEPT !.seq = m.new, !.lease = m.lease, !.until = IF Ongoing(c) THEN bel ELSE 0]
       [] applied -> [cl[c] EXCEPT !.seq = m.new]
       [] ~applied /\ (~rec.live \/ rec.n # m.n) -> Idle
       [] ~applied /\ same # {} ->
            [cl[c] EXCEPT !.seq = rec.seq, !.lease = rec.lease,
                          !.until = IF Ongoing(c) THEN Min({k.bel : k \in same}) ELSE 0]
       [] OTHER -> [cl[c] EXCEPT !.seq = rec.seq]

Answer(m, applied) ==
  CASE m.op \in {"acquire", "take", "resume"} /\ cl[m.c].st = "trying" /\ cl[m.c].n = m.n ->
         [cl EXCEPT ![m.c] = TryAnswer(m, applied)]
    [] m.op \in {"renew", "update"} /\ cl[m.c].st = "held" /\ cl[m.c].n = m.n /\ m.seq = cl[m.c].seq ->
         [cl EXCEPT ![m.c] = HolderAnswer(m, applied)]
    [] OTHER -> cl

CarryOut(m) ==
  /\ Holds(m) \/ Answer(m, FALSE) # cl
  /\ rec' = IF Holds(m) THEN After(m) ELSE rec
  /\ cl' \in {cl, Answer(m, Holds(m))}      \* the answer may be lost
  /\ outside' = CASE ~Holds(m) -> outside
                  [] m.op = "resume" -> outside \cup {m.on}
                  [] m.op \in OutsideOps -> outside \cup {m.n}
                  \* Deleted by hand, it begins anew while its try goes on.
                  [] m.op \in {"acquire", "take"} /\ cl[m.c].st = "trying" -> outside \ {m.n}
                  [] OTHER -> outside
  /\ sent' = IF m.op \notin {"force", "key", "hand"} /\ cl'[m.c] # cl[m.c] /\ cl'[m.c].st = "idle" THEN Forget(sent, cl[m.c].n) ELSE sent
  /\ UNCHANGED <<obs, used>>

-----------------------------------------------------------------------------
(* Time *)

Down(x, least) == IF x > least THEN x - 1 ELSE least

(* suspended: machines whose monotonic clock stands still in this tick.       *)
TickWith(suspended) ==
  /\ rec' = [rec EXCEPT !.exp = Down(@, Past)]
  /\ sent' = {[m EXCEPT !.exp = Down(@, Past), !.bel = Down(@, 0),
               !.safe = IF @ <= Past THEN Never ELSE @ - 1] : m \in sent}
  /\ cl' = [c \in Clients |-> IF c \in suspended THEN cl[c] ELSE [cl[c] EXCEPT !.until = Down(@, 0)]]
  /\ obs' = [c \in Clients |-> [obs[c] EXCEPT !.left = Down(@, 0)]]
  /\ UNCHANGED <<used, outside>>

(* A suspended machine's wall clock goes on, and both clocks end a belief.    *)
Tick == IF Rule("BothClocks") THEN TickWith({}) ELSE \E s \in SUBSET Clients : TickWith(s)

Next ==
  \/ Tick
  \/ \E c \in Clients : \/ Try(c) \/ TryAgain(c) \/ Abandon(c) \/ Renew(c) \/ Update(c)
                        \/ Release(c) \/ Clean(c) \/ Observe(c) \/ Resume(c)
  \/ ActOutside
  \/ \E m \in sent : CarryOut(m)

Spec == Init /\ [][Next]_vars

-----------------------------------------------------------------------------
(* What must hold *)

(* No two believe, unless one of them was ended from outside.                 *)
OneBeliever ==
  \A c, d \in Clients : c # d /\ Believes(c) /\ Believes(d) =>
    cl[c].n \in outside \/ cl[d].n \in outside

(* While somebody believes, the item is his: nobody else could even be told   *)
(* otherwise.                                                                 *)
BelieverHasItem ==
  \A c \in Clients : Believes(c) /\ cl[c].n \notin outside => rec.live /\ rec.n = cl[c].n

(* An exception lasts no longer than the belief that was there: nothing       *)
(* prolongs it. (After a deletion by hand a repeated acquire may make the item *)
(* its holder's again; then it may.)                                          *)
ExceptionEnds ==
  [][\A c \in Clients : /\ cl[c].n \in outside /\ Believes(c) /\ cl'[c].n = cl[c].n
                       /\ ~(rec.live /\ rec.n = cl[c].n)
       => cl'[c].until <= cl[c].until]_vars

(* Belief that has ended stays ended.                                         *)
EndedStaysEnded ==
  [][\A c \in Clients : cl[c].st = "held" /\ cl[c].until = 0 /\ cl'[c].st = "held" => cl'[c].until = 0]_vars

(* A tenure that was released or forced is never made live again.             *)
NeverRevived == [][rec.item /\ ~rec.live /\ rec'.live => rec'.n # rec.n]_vars

(* Tokens rise while the item lives.                                          *)
TokensRise ==
  [][rec.item /\ rec'.item => /\ rec'.tok >= rec.tok
                              /\ rec'.n # rec.n => rec'.tok >= rec.tok + TokenStep]_vars

(* Where tokens count, repeated requests would raise them without end.        *)
FewTokens == rec.tok <= 6

Symmetry == Permutations(Clients)
=============================================================================
