// Every bound on what we accept, store or wait for, each with its reason. Names end in their unit.

/** All bounds, each with its reason. */
export const limits = {
  // Text and names
  /** A target as typed; a 253-octet name with scheme, port and brackets fits three times. */
  targetCharsMax: 1024,
  /** RFC 1035 §2.3.4, without the root label. */
  nameOctetsMax: 253,
  labelOctetsMax: 63,

  // DNS
  /** What we announce with EDNS: fits every path's MTU (DNS flag day 2020). */
  dnsUdpPayloadBytes: 1232,
  /** A DNS message over TCP has a 16-bit length. */
  dnsMessageBytesMax: 65_535,
  /** Records of one type that we take from one answer; a TLSA or address set beyond this is not for people. */
  dnsRecordsMax: 64,
  /** All records of one answer as text: whole keys of many kilobytes would not fit into a signed observation. */
  dnsRecordsCharsMax: 16_384,
  /** CNAME steps followed within an answer; BIND stops at 16, unbound at 11. */
  cnameStepsMax: 8,
  /** Compression pointers followed in one name: it has at most 127 labels, and each pointer should lead to one. */
  dnsPointersMax: 127,
  /** RFC 6698 data with matching type 0 (Full): a certificate or key over 1 kB is refused (protocol §1). */
  tlsaDataBytesMax: 1024,
  /** Ancestors asked for `_ca` (protocol §1). */
  climbLabelsMax: 8,
  /** A query by UDP is sent again after this; the deadline of the whole look bounds the number. */
  dnsRetryMs: 800,
  dnsTriesMax: 3,
  dnsTimeoutMs: 3_000,
  /** Datagrams that are not the answer (wrong id, address, question) before a socket is given up: a flood must not keep us busy. */
  dnsStrayDatagramsMax: 64,

  // TLS
  handshakeTimeoutMs: 3_000,
  /** Once one address has shaken hands, the others have this much longer: twice the step of RFC 8305 §5. */
  handshakeGraceMs: 500,
  /** Bytes read from a peer until the handshake is done: a long chain is 10 kB, post-quantum ones 64 kB. */
  handshakeBytesMax: 131_072,
  chainCertificatesMax: 16,
  certificateBytesMax: 65_536,
  /** Steps of the search for a path to one anchor: 16 certificates of one name and key allow more paths than there is time for. */
  pathStepsMax: 128,
  /** Signatures verified for one chain. Honest chains need 5; hostile RSA keys cost 5 ms each. */
  pathSignaturesMax: 256,
  /** Names times name constraints of one pair of certificates. Honest ones stay below 10^4; OpenSSL stops at 2^20. */
  nameChecksMax: 16_384,
  /** After our end of a connection, the peer is heard out for this long, and this much, to spare it a reset. */
  farewellMs: 500,
  farewellBytesMax: 65_536,
  /** Addresses of one target that one vantage shakes hands with. */
  addressesProbedMax: 4,

  // Issued certificates
  /** Names, or name constraints, of one certificate: a handshake stays in few packets. */
  certificateNamesMax: 100,
  authorityDays: 3_650,
  /** Short enough that renewal is practised, as with public CAs. */
  serverDays: 90,
  certificateDaysMax: 36_500,
  /** A certificate begins this long before it is made: peers whose clock is slow must not refuse it. */
  certificateBackdateMs: 3_600_000,
  /** A certificate that ends within this time is told: two weeks are enough for a renewal that fails at first. */
  expiryWarningMs: 14 * 86_400_000,

  // Publishing records
  /** TTL of a TLSA record in seconds (protocol §1): short enough to change keys in minutes, long enough for caches. */
  tlsaTtlS: 300,
  tlsaTtlMinS: 60,
  /** RFC 2181 §8. */
  ttlMaxS: 2_147_483_647,
  tsigFileBytesMax: 4_096,
  /** Four exchanges with one server, which may first have to write its journal. */
  dnsUpdateTimeoutMs: 10_000,

  // Observations (protocol §5)
  observationBytesMax: 65_536,
  nonceBytes: 16,
  /** An answer may be used this long after its DNS data was obtained, or for its TTL when that is shorter. */
  observationValidMs: 60_000,
  /** A clock may differ from ours by this much. */
  clockSkewMs: 120_000,
  descriptorBytesMax: 16_384,
  /** An answer key and a descriptor live at most this long. */
  descriptorValidMs: 7 * 86_400_000,

  // Mirror (protocol §5, §11)
  /** A mirror's whole look at a target: DNS and handshakes, one after the other. */
  lookTimeoutMs: 7_000,
  dnsCacheTtlMaxS: 60,
  dnsCacheTtlMinS: 5,
  dnsCacheNegativeS: 30,
  cacheEntriesMax: 100_000,
  requestBytesMax: 4_096,
  /** The header section of a request: ours have 200 bytes, and some clients send much that nobody asked for. */
  requestHeaderBytesMax: 8_192,
  /** An uncached question waits this long for a place before the signed `busy`. */
  queueDeadlineMs: 2_000,
  uncachedPerDomainPerSecond: 20,
  outstandingPerDomainMax: 50,
  outstandingMax: 512,
  probesPerAddressPerSecond: 2,
  /** Answers under one batch signature, and how long the first of them waits for company. */
  batchAnswersMax: 32,
  batchWaitMs: 2,

  // Oblivious questions (RFC 9458, protocol §10)
  /**
   * Requests and responses are padded to multiples of these, so that their size says little of the name. RFC 8467 §4.1
   * takes 128 and 468 for DNS. Framed, a question of ours has about 300 bytes and an answer 1.8 to 4 kB: with three and
   * eight times as much nearly all have one size, whatever the length of the name and the number of addresses.
   */
  obliviousRequestBlockBytes: 3 * 128,
  obliviousResponseBlockBytes: 8 * 468,
  /** The longest report, framed, padded and sealed: a relay cannot tell it from a question. */
  obliviousRequestBytesMax: 67_584,
  /** The longest answer, `mirrorAnswerBytesMax`, framed, padded and sealed. */
  obliviousResponseBytesMax: 67_584,
  /** Our messages have two fields; others may have a few more. */
  binaryHttpFieldsMax: 16,
  /** A question may be dated this far from the gateway's clock, and is remembered for as long as it could be repeated. */
  obliviousDateMs: 120_000,
  /** Questions remembered: a thousand a second for the four minutes that their dates span. Twenty bytes each, and the set's own. */
  obliviousRemembered: 262_144,
  /** A gateway's answer to a relay. The client would not wait for longer, and asks another relay. */
  relayTimeoutMs: 1_500,
  /** A client gives the first relay this long: what is left of `mirrorTimeoutMs` is for the second. */
  relayPatienceMs: 1_000,
  /** Questions that a relay carries at a time: in all, of one network, and to one gateway. */
  relayedMax: 1_024,
  relayedPerNetworkMax: 64,
  relayedPerGatewayMax: 256,
  /** A relay shows all clients the same descriptor of a gateway for this long; one that lost its key is back after it. */
  relayDescriptorMs: 60_000,
  /** A client seals with what one relay showed for this long: a key of its own would not link more of its questions. */
  sealingKeyMs: 300_000,

  // Store
  /** Another process may be about to close the database that we open. */
  databaseBusyMs: 1_000,
  /** The journal is cut back to this after a burst of changes. */
  databaseJournalBytesMax: 16_777_216,
  /** Batches of changes that come within this time reach the disk together: one such way costs some milliseconds. */
  storeWaitMs: 20,
  /** Changes of one batch, and of batches that wait: more than a mirror has reason to make at once. */
  storeChangesMax: 16_384,
  /** A target and a mirror id beside each other. */
  storeKeyCharsMax: 1_100,
  /** What is out of date is deleted this often, a part at a time: each must not take long. */
  storeSweepMs: 60_000,
  storeSweepRowsMax: 1_000,
  /** Damaged rows are set aside for the operator to look at; older ones give way. */
  storeDamagedMax: 1_000,
  /** 65,536 candidates and 20,000 listed mirrors, with room for those that are remembered as gone. */
  storedPeersMax: 100_000,
  /** A peer's descriptor, and what is thought of it. */
  storedPeerCharsMax: 24_576,
  /** Removals under way. At a day each, 4,096 are more votes than a mirror could test for. */
  storedRequestsMax: 4_096,
  /** A request carries its evidence. */
  storedRequestCharsMax: 131_072,
  /** Nine for each request, and those that others asked for. */
  storedVotesMax: 65_536,
  storedVoteCharsMax: 4_096,
  storedProceduresMs: 30 * 86_400_000,
  /** Nine requests, votes and notices for each removal under way, as far as the other side is not there. */
  storedLettersMax: 65_536,
  /** Those that wait, and six of each of a thousand mirrors, 20 kB each. */
  storedDissentsMax: 8_192,
  /** Names that may be asked again: the rules themselves keep 20,000. */
  storedCorpusMax: 50_000,
  storedCorpusCharsMax: 4_096,
  storedCorpusMs: 7 * 86_400_000,
  /** What owners said of themselves over time, for as long as a server certificate lives. */
  storedNamesMax: 100_000,
  storedNameCharsMax: 8_192,
  storedNamesMs: 90 * 86_400_000,
  /** Reports that were taken: observations older than some minutes are not taken in new ones. */
  storedReportsMax: 500_000,
  storedReportCharsMax: 64,
  storedReportsMs: 86_400_000,
  storedSettingsMax: 1_000,
  storedSettingCharsMax: 65_536,

  // Network of mirrors (protocol §8, §9)
  /** Other mirrors that are tested or listed; beyond it candidates wait. Twice the mirrors that the network is made for. */
  peersMax: 20_000,
  /** Requests to other mirrors at a time, in all and to one of them; further ones wait for their turn. */
  correspondenceMax: 256,
  correspondencePerPeerMax: 8,
  /** Another mirror's answer, the way there and the handshake included. */
  correspondenceTimeoutMs: 2_000,
  /** Pings that are made for others are shared for this long. */
  pingSharedMs: 10_000,
  /** Descriptors of other mirrors that are kept in memory: 3 kB each. */
  descriptorsKeptMax: 1_024,
  /** Newcomers that are looked at a time: each costs a handshake and three look-ups. */
  checksAtOnce: 8,
  /** Why something is as it is, in words for an operator. */
  reasonCharsMax: 200,

  // Tests, reports and removal (protocol §7, §8)
  /** Observations of one report: those of the second stage and six more; beyond it the verdict was an alarm anyway. */
  reportObservationsMax: 16,
  /** Eight answers of 4 kB with their descriptors; of more, the descriptors stay behind. */
  reportBytesMax: 65_536,
  /** Nonces of answers given, that reports may prove to be ours: a thousand answers a second for the time below. */
  noncesRememberedMax: 262_144,
  /** An answer can be reported for this long: its validity, and the time that a page takes to load. */
  reportWithinMs: 180_000,
  /** Signatures of reports verified a second: a tenth of a core, and reports beyond it are dropped at random. */
  reportSignaturesPerSecond: 1_000,
  /** Dissents that wait to be looked at again, with their evidence. */
  dissentsWaitingMax: 1_024,
  /** A client's report is given up after this; nobody waits for it. */
  reportTimeoutMs: 5_000,
  /** Look-ups of name servers at a time; names that come meanwhile are noted when they come again. */
  originsAtOnce: 32,
  /** Domains whose name servers are remembered. */
  originsMax: 50_000,
  /** Filler names that an operator may give. */
  fillerNamesMax: 10_000,
  /** Replays in one series. */
  replaysMax: 10_000,
  /** Series under way at a time: at 100 replays in six hours each, two questions a second. */
  seriesAtOnce: 512,
  /** One question of a test is brought by so many relays, one after the other, before silence is held against the asked. */
  quizRelaysMax: 3,
  /** Contradictions sent as evidence with a request, 20 kB each. */
  contradictionsSentMax: 4,
  /** Contradictions kept of one mirror, and mirrors that any are kept of: 40 MB of signed answers in all. */
  contradictionsKeptMax: 4,
  contradictedMirrorsMax: 256,
  /** Other mirrors' answers that are kept beside the contradicting one. */
  contradictionWitnessesMax: 7,
  /** Of one contradiction, and of all that go with one request. */
  contradictionCharsMax: 98_304,
  contradictionsCharsMax: 80_000,
  /** A request with its evidence, in compact form. */
  removeRequestBytesMax: 131_072,
  /** The same with the author's descriptor beside it. */
  letterBytesMax: 151_552,
  /** A letter is sent again for as long as its vote is open; each sending is signed anew. */
  letterValidMs: 86_400_000,
  /** Votes under way that one mirror has asked us for. */
  requestsPerMirrorMax: 64,
  /** Notices that are kept for the operator, and that wait for one webhook call. */
  noticesKeptMax: 1_000,
  webhookTimeoutMs: 10_000,
  webhookBytesMax: 65_536,

  // Log of a vantage's own observations
  /** Sizes beyond 2^48 are not taken: no log comes near, and sums of sizes stay whole numbers. */
  logLeavesMax: 281_474_976_710_656,
  /** A head in compact form has 400 bytes. */
  logHeadBytesMax: 1_024,
  /** Hashes of one proof: a tree of 2^48 leaves needs 50. */
  logPathMax: 64,
  /** Leaves that are kept: at ten looks a second some days, at one a minute 16 years; 120 bytes each, 1 GB in all. */
  logLeavesKeptMax: 8_388_608,
  /** Leaves forgotten at a time, in whole multiples of 256. */
  logForgottenAtOnceMax: 4_096,
  /** What was seen is in the log this much later: an answer does not wait for the disk. */
  logBatchMs: 1_000,
  /** Leaves appended at a time: hashing and writing them takes some milliseconds. */
  logBatchMax: 512,
  /** A head is signed at most this often, whoever asks. */
  logHeadMs: 1_000,
  /** Leaves that wait for a disk which does not take them, 2 MB; later ones are lost. */
  logWaitingMax: 65_536,
  /** Until what could not be written is tried again. */
  logRetryMs: 10_000,
  /** Leaves in one answer, 46 bytes each. */
  logEntriesMax: 1_000,

  // Client
  mirrorAnswerBytesMax: 65_536,
  mirrorTimeoutMs: 2_000,
  /** A mirror that has not answered by then gets a substitute beside it. */
  mirrorReplaceMs: 600,
  /** Mirrors tried for one vote. With half of all dead one vote in 32 stays empty; with no network at all it ends soon. */
  mirrorsPerSeatMax: 5,
  /** A signed list: 20 000 entries of 200 bytes, in base64url with room to spare. */
  listBytesMax: 8_388_608,
  /** Twice the mirrors that the network is made for. */
  listEntriesMax: 20_000,
  /** A mirror draws its list up anew no more often than this, and a client takes one that is at most this old. */
  listRefreshMs: 60_000,
  listValidMs: 600_000,
  /** 256 hashes in base64url twice, and a descriptor beside them. */
  listDigestBytesMax: 65_536,
  /** One bucket of 256: 80 entries of a full list, and as many again for chance. */
  listBucketBytesMax: 262_144,
  /** One list, or a part of it: 2 MB over a slow line. */
  listTimeoutMs: 10_000,
  /** Coming to a list as a whole; mirrors that have not said all by then are counted as silent. */
  refreshTimeoutMs: 120_000,
  /** Mirrors that are asked at a time. */
  listsAtOnce: 16,
  /** Beyond a quarter of all buckets a whole list costs less than its parts. */
  bucketsPerMirrorMax: 64,
  /** Bootstrap files that one mirror has seen: a new one a month from each of five vendors makes this in a year. */
  bootstrapsSeenMax: 64,
  bootstrapBytesMax: 262_144,
  bootstrapPairsMax: 1_000,
  /** A vendor's signature on a bootstrap file: a year's releases of a client may carry the same one. */
  bootstrapDays: 365,
  /** One small file from a server that may be on the other side of the world, over up to four addresses. */
  vendorTimeoutMs: 15_000,
  /** One request of a trial of a mirror: a look of its own, and the wait for a place before it. */
  trialRequestMs: 12_000,
  /** A trial of a mirror as a whole: some fifty small requests, one after the other. */
  trialMs: 180_000,
  /** The header section of a reply: our own have 200 bytes. */
  replyHeaderBytesMax: 16_384,
  policyBytesMax: 65_536,
  /** Evidence of a hundred verdicts with twenty observations each, mostly of a few kilobytes. */
  evidenceBytesMax: 67_108_864,
  verifyTimeoutMs: 5_000,
  warmIdleMs: 300_000,
  /** Connections of one mirror: some 40 kB each, 400 MB in all; beyond it new ones are not taken. */
  connectionsMax: 10_000,
  /** The working set of warm connections (protocol §3). */
  warmMirrorsMax: 24,
} as const
