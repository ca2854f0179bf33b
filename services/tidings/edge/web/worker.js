// Worker: the script of the SharedWorker that leads all tabs of an account.

import "./sharing/worker.js";
